//! Keys as requests write them and as answers show them.

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use serde::Serialize;

use crate::limits::Limits;

/// A key in an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ShownKey {
    /// The key, or as much of it as a request may name; what is not UTF-8 is replaced.
    key: String,
    /// The length of the key, if it is cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_bytes: Option<usize>,
    /// The key as a request names it, if it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_encoded: Option<String>,
}

impl ShownKey {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let start = start(bytes, Limits::KEY_BYTES);
        let is_cut = start.len() < bytes.len();
        let is_text = std::str::from_utf8(start).is_ok();
        Self {
            key: String::from_utf8_lossy(start).into_owned(),
            key_bytes: is_cut.then_some(bytes.len()),
            key_encoded: (!is_cut && !is_text).then(|| encoded(bytes)),
        }
    }
}

fn encoded(bytes: &[u8]) -> String {
    percent_encode(bytes, NON_ALPHANUMERIC).to_string()
}

/// At most `limit` bytes from the start of a text, without a part of a character at the end.
pub(crate) fn start(bytes: &[u8], limit: usize) -> &[u8] {
    let Some(start) = bytes.get(..limit) else {
        return bytes;
    };
    match std::str::from_utf8(start) {
        Err(error) if error.error_len().is_none() && bytes.len() > limit => {
            &start[..error.valid_up_to()]
        }
        _ => start,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(key: &str, key_bytes: Option<usize>, key_encoded: Option<&str>) -> ShownKey {
        ShownKey {
            key: key.into(),
            key_bytes,
            key_encoded: key_encoded.map(Into::into),
        }
    }

    #[test]
    fn a_key_is_shown_whole_if_a_request_may_name_it() {
        assert_eq!(ShownKey::new(b""), shown("", None, None));
        let longest = "x".repeat(Limits::KEY_BYTES);
        assert_eq!(
            ShownKey::new(longest.as_bytes()),
            shown(&longest, None, None)
        );
        let longer = format!("{longest}y");
        let length = Some(longest.len() + 1);
        assert_eq!(
            ShownKey::new(longer.as_bytes()),
            shown(&longest, length, None)
        );
    }

    #[test]
    fn a_cut_key_ends_with_a_whole_character() {
        let text = format!("{}€ and more", "x".repeat(Limits::KEY_BYTES - 1));
        let cut = "x".repeat(Limits::KEY_BYTES - 1);
        assert_eq!(
            ShownKey::new(text.as_bytes()),
            shown(&cut, Some(text.len()), None)
        );
        assert_eq!(start("a€".as_bytes(), 4), "a€".as_bytes());
        assert_eq!(start("a€".as_bytes(), 3), b"a");
        assert_eq!(start(b"a\xe2", 2), b"a\xe2");
    }

    #[test]
    fn a_key_that_is_not_text_is_shown_with_what_names_it() {
        let expected = shown("a\u{fffd}/b", None, Some("a%FF%2Fb"));
        assert_eq!(ShownKey::new(b"a\xff/b"), expected);
    }
}
