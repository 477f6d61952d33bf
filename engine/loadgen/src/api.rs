//! Logs attendants in over the centre's API, as the console would: only then are they given calls.
//!
//! Just enough HTTP/1.1 for that, over one connection for each request, without TLS: the centre under load is on this
//! machine.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

/// How long the centre may take: hashing a password is meant to be slow, and a hundred wait in line.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest answer that is read.
const ANSWER_MAX: u64 = 1 << 20;

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Nobody listens, or the connection broke.
    #[error("cannot speak to the API")]
    Io(#[from] io::Error),
    /// What came is no answer.
    #[error("the API's answer cannot be read: {0}")]
    Answer(&'static str),
    /// The API says no.
    #[error("the API answers {status}: {body}")]
    Refused {
        /// The status.
        status: u16,
        /// What it says.
        body: String,
    },
}

/// The API of a centre.
#[derive(Debug, Clone, Copy)]
pub struct Api {
    address: SocketAddr,
}

impl Api {
    /// The API that listens there.
    #[must_use]
    pub const fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// Logs an attendant in on an extension, and makes them available.
    ///
    /// # Errors
    ///
    /// If the API cannot be reached, or says no.
    pub fn log_in(
        &self,
        username: &str,
        password: &str,
        extension: &str,
    ) -> Result<String, ApiError> {
        let who = json!({ "username": username, "password": password, "extension": extension });
        let answer = self.ask("POST", "/login", None, &who)?;
        let token = answer.get("token").and_then(Value::as_str);
        let token = token.ok_or(ApiError::Answer("no token in it"))?.to_owned();
        self.ask(
            "PUT",
            "/agents/me/state",
            Some(&token),
            &json!({ "state": "available" }),
        )?;
        Ok(token)
    }

    /// Makes a request below `/api/v1`.
    ///
    /// # Errors
    ///
    /// If the API cannot be reached, or says no.
    pub fn ask(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: &Value,
    ) -> Result<Value, ApiError> {
        let mut stream = TcpStream::connect_timeout(&self.address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(self.request(method, path, token, body).as_bytes())?;
        let mut answer = Vec::new();
        stream.take(ANSWER_MAX).read_to_end(&mut answer)?;
        read_answer(&answer)
    }

    fn request(&self, method: &str, path: &str, token: Option<&str>, body: &Value) -> String {
        let body = match body.is_null() {
            true => String::new(),
            false => body.to_string(),
        };
        let token = token.map_or_else(String::new, |token| {
            format!("Authorization: Bearer {token}\r\n")
        });
        format!(
            "{method} /api/v1{path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             {token}Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
    }
}

fn read_answer(answer: &[u8]) -> Result<Value, ApiError> {
    let text = str::from_utf8(answer).map_err(|_| ApiError::Answer("not UTF-8"))?;
    let (head, body) = text
        .split_once("\r\n\r\n")
        .ok_or(ApiError::Answer("cut off"))?;
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let status: u16 = status.ok_or(ApiError::Answer("no status"))?;
    if !(200..300).contains(&status) {
        return Err(ApiError::Refused {
            status,
            body: body.trim().to_owned(),
        });
    }
    if head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked")
    {
        return Err(ApiError::Answer("in chunks"));
    }
    match body {
        "" => Ok(Value::Null),
        body => serde_json::from_str(body).map_err(|_| ApiError::Answer("not JSON")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn answers_are_read_or_refused() {
        let table: [(&str, &str, Result<Value, &str>); 6] = [
            (
                "JSON",
                "HTTP/1.1 200 OK\r\nA: b\r\n\r\n{\"token\":\"t\"}",
                Ok(json!({ "token": "t" })),
            ),
            (
                "nothing",
                "HTTP/1.1 204 No Content\r\n\r\n",
                Ok(Value::Null),
            ),
            (
                "no",
                "HTTP/1.1 401 Unauthorized\r\n\r\n{\"title\":\"no\"}",
                Err("the API answers 401: {\"title\":\"no\"}"),
            ),
            (
                "cut",
                "HTTP/1.1 200 OK\r\n",
                Err("the API's answer cannot be read: cut off"),
            ),
            (
                "no HTTP",
                "hello\r\n\r\n",
                Err("the API's answer cannot be read: no status"),
            ),
            (
                "no JSON",
                "HTTP/1.1 200 OK\r\n\r\nhello",
                Err("the API's answer cannot be read: not JSON"),
            ),
        ];
        for (name, answer, expected) in table {
            let read = read_answer(answer.as_bytes()).map_err(|error| error.to_string());
            assert_eq!(read, expected.map_err(Into::into), "{name}");
        }
    }

    #[test]
    fn e2e_an_attendant_is_logged_in_and_made_available() {
        let listener = TcpListener::bind("127.0.0.9:0").unwrap();
        let api = Api::new(listener.local_addr().unwrap());
        let centre = std::thread::spawn(move || {
            let mut asked = Vec::new();
            for answer in ["{\"token\":\"t1\",\"user\":{}}", ""] {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 4096];
                let mut len = 0;
                while !request[..len].ends_with(b"}") {
                    len += stream.read(&mut request[len..]).unwrap();
                }
                asked.push(String::from_utf8_lossy(&request[..len]).into_owned());
                write!(stream, "HTTP/1.1 200 OK\r\n\r\n{answer}").unwrap();
            }
            asked
        });
        assert_eq!(api.log_in("a0", "harness-agent-1", "a0").unwrap(), "t1");
        let asked = centre.join().unwrap();
        assert!(
            asked[0].starts_with("POST /api/v1/login HTTP/1.1\r\n"),
            "{}",
            asked[0]
        );
        assert!(asked[0].contains("\"extension\":\"a0\""), "{}", asked[0]);
        assert!(
            asked[1].starts_with("PUT /api/v1/agents/me/state HTTP/1.1\r\n"),
            "{}",
            asked[1]
        );
        assert!(
            asked[1].contains("Authorization: Bearer t1\r\n"),
            "{}",
            asked[1]
        );
    }
}
