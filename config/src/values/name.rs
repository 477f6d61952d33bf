//! Names of resources, and texts for people.

/// A text with a rule: makes the newtype, its parsing, its printing and its field.
macro_rules! text_newtype {
    (
        $(#[doc = $doc:literal])+
        pub struct $name:ident, $what:literal, $example:literal, $check:expr
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(String);

        impl std::str::FromStr for $name {
            type Err = $crate::read::Invalid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let check: fn(&str) -> bool = $check;
                if check(text) {
                    return Ok(Self(text.to_owned()));
                }
                Err($crate::read::Invalid::new(
                    format!("\"{}\" is not {}", text.escape_debug(), $what),
                    format!("for example \"{}\"", $example),
                ))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::ops::Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        $crate::read::impl_text_field!($name, $what, $example);
    };
}
pub(crate) use text_newtype;

text_newtype! {
    /// The name of a queue, calendar, trunk or prompt: 1 to 64 printable characters, without `/`,
    /// and no spaces around it.
    pub struct Name, "a name of 1 to 64 characters, without / and without spaces around it", "support", is_name
}

text_newtype! {
    /// The name of a sound that is uploaded, and of its file: 1 to 64 of `a-z 0-9 -`.
    pub struct PromptName, "a name of 1 to 64 lower-case letters, digits and hyphens", "christmas-greeting", is_prompt_name
}

text_newtype! {
    /// What a user logs in with: 1 to 64 of `a-z A-Z 0-9 . _ - @`.
    pub struct Username, "a user name of 1 to 64 letters, digits, dots, dashes, _ or @", "alice", is_username
}

text_newtype! {
    /// A line of text for people: up to 200 printable characters.
    pub struct Label, "one line of at most 200 characters", "Alice Jansen", is_label
}

text_newtype! {
    /// An e-mail address.
    pub struct Email, "an e-mail address", "alice@example.com", is_email
}

text_newtype! {
    /// Text for people on any number of lines: up to 2000 characters.
    pub struct Notes, "text of at most 2000 characters", "Prefers to be called in the morning", is_notes
}

text_newtype! {
    /// The path of a file or folder; relative ones start where the daemon was started.
    pub struct PathText, "a path", "var", |text| is_printable(text) && !text.is_empty() && text.len() <= 4096
}

impl Name {
    /// A name that stands in our own code.
    pub(crate) fn built_in(name: &'static str) -> Self {
        Self(name.to_owned())
    }
}

fn is_name(text: &str) -> bool {
    let trimmed = !text.is_empty() && text.trim() == text;
    trimmed && text.chars().count() <= 64 && is_printable(text) && !text.contains('/')
}

fn is_prompt_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=64).contains(&text.len()) && text.chars().all(allowed)
}

fn is_username(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".-_@".contains(c);
    (1..=64).contains(&text.len()) && text.chars().all(allowed)
}

fn is_label(text: &str) -> bool {
    text.chars().count() <= 200 && is_printable(text)
}

fn is_notes(text: &str) -> bool {
    let shown = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    text.chars().count() <= 2000 && text.chars().all(shown)
}

fn is_email(text: &str) -> bool {
    let Some((mailbox, host)) = text.rsplit_once('@') else {
        return false;
    };
    let no_gaps = is_printable(text) && !text.contains(char::is_whitespace);
    no_gaps && !mailbox.is_empty() && !host.is_empty() && text.len() <= 254
}

fn is_printable(text: &str) -> bool {
    !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        let long = "x".repeat(65);
        let cases = [
            ("support", true),
            ("North desk", true),
            ("réception", true),
            ("", false),
            (" support", false),
            ("a/b", false),
            ("a\nb", false),
            (long.as_str(), false),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<Name>().is_ok(), expected, "{text:?}");
        }
    }

    #[test]
    fn names_of_sounds_are_such_that_a_file_can_have_them() {
        let long = "x".repeat(65);
        for (text, expected) in [
            ("welcome", true),
            ("number-7", true),
            ("", false),
            ("..", false),
            ("a/b", false),
            ("Welcome", false),
            ("a b", false),
            ("é", false),
            (long.as_str(), false),
        ] {
            assert_eq!(text.parse::<PromptName>().is_ok(), expected, "{text:?}");
        }
    }

    #[test]
    fn user_names_and_addresses_are_checked() {
        for (text, expected) in [
            ("alice", true),
            ("a.b-c_d@e", true),
            ("a b", false),
            ("", false),
            ("é", false),
        ] {
            assert_eq!(text.parse::<Username>().is_ok(), expected, "{text:?}");
        }
        for (text, expected) in [
            ("a@b.c", true),
            ("a@", false),
            ("@b", false),
            ("ab", false),
            ("a b@c", false),
        ] {
            assert_eq!(text.parse::<Email>().is_ok(), expected, "{text:?}");
        }
    }
}
