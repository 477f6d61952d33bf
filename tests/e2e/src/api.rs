//! A small client of the HTTP API: blocking, one connection for each request.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Somebody who is logged in, or nobody yet.
#[derive(Debug, Clone)]
pub struct Api {
    address: SocketAddr,
    token: Option<String>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The body where it is JSON, else null.
    pub body: Value,
    /// The body as text.
    pub text: String,
}

impl Api {
    /// Nobody yet.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            token: None,
        }
    }

    /// Logs in; a user with an extension becomes available on it.
    ///
    /// # Panics
    ///
    /// When that is refused.
    pub fn login(address: SocketAddr, username: &str, password: &str) -> Self {
        let mut api = Self::new(address);
        let answer = api.try_login(username, password);
        assert_eq!(answer.status, 200, "{username} cannot log in: {answer:?}");
        api.token = answer.body["token"].as_str().map(str::to_owned);
        api
    }

    /// Asks for a token without keeping it.
    pub fn try_login(&self, username: &str, password: &str) -> Response {
        self.request(
            "POST",
            "/api/v1/login",
            Some(&json!({"username": username, "password": password})),
        )
    }

    /// The body of `GET /api/v1{path}`.
    ///
    /// # Panics
    ///
    /// When it is not given.
    pub fn read(&self, path: &str) -> Value {
        let answer = self.request("GET", &format!("/api/v1{path}"), None);
        assert_eq!(answer.status, 200, "GET {path}: {answer:?}");
        answer.body
    }

    /// Does something, `method /api/v1{path}`, and expects success.
    ///
    /// # Panics
    ///
    /// When it is refused.
    pub fn act(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = (!body.is_null()).then_some(body);
        let answer = self.request(method, &format!("/api/v1{path}"), body);
        assert!(
            (200..300).contains(&answer.status),
            "{method} {path}: {answer:?}"
        );
        answer.body
    }

    /// The items of a list.
    pub fn list(&self, path: &str) -> Vec<Value> {
        self.read(path)["items"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }

    /// Any request.
    ///
    /// # Panics
    ///
    /// When nobody answers.
    pub fn request(&self, method: &str, path: &str, body: Option<&Value>) -> Response {
        let asked = self.try_request(method, path, body);
        asked.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Sends a file of this media type, `method /api/v1{path}`.
    ///
    /// # Panics
    ///
    /// When nobody answers.
    pub fn upload(&self, method: &str, path: &str, media_type: &str, file: &[u8]) -> Response {
        let path = format!("/api/v1{path}");
        let sent = self.exchange(method, &path, Some(media_type), file);
        sent.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Any request to a daemon that may not be there.
    ///
    /// # Errors
    ///
    /// When it is not, or goes away meanwhile.
    pub fn try_request(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> std::io::Result<Response> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let media_type = (!body.is_empty()).then_some("application/json");
        self.exchange(method, path, media_type, body.as_bytes())
    }

    /// The body of `GET /api/v1{path}` as it is.
    ///
    /// # Panics
    ///
    /// When nobody answers.
    pub fn download(&self, path: &str) -> Vec<u8> {
        let answer = self.exchange_octets("GET", &format!("/api/v1{path}"), None, &[]);
        let answer = answer.unwrap_or_else(|error| panic!("GET {path}: {error}"));
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        answer[end.unwrap() + 4..].to_vec()
    }

    fn exchange(
        &self,
        method: &str,
        path: &str,
        media_type: Option<&str>,
        body: &[u8],
    ) -> std::io::Result<Response> {
        let answer = self.exchange_octets(method, path, media_type, body)?;
        Ok(parse(&String::from_utf8_lossy(&answer)))
    }

    fn exchange_octets(
        &self,
        method: &str,
        path: &str,
        media_type: Option<&str>,
        body: &[u8],
    ) -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect_timeout(&self.address, TIMEOUT)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
            self.address
        );
        if let Some(token) = &self.token {
            head += &format!("Authorization: Bearer {token}\r\n");
        }
        if let Some(media_type) = media_type {
            head += &format!("Content-Type: {media_type}\r\n");
        }
        head += &format!("Content-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    }
}

fn parse(answer: &str) -> Response {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    assert!(
        !head.to_ascii_lowercase().contains("transfer-encoding"),
        "an answer of unknown length: {head}"
    );
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or(0);
    Response {
        status,
        body: serde_json::from_str(body).unwrap_or(Value::Null),
        text: body.to_owned(),
    }
}
