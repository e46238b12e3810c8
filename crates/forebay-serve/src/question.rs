//! What a request asks: the segments of its path and its parameters.

use axum::http::Uri;
use percent_encoding::percent_decode;

use crate::limits::Limits;
use crate::refusal::Refusal;

/// The parameters of a request.
#[derive(Debug)]
pub(crate) struct Question {
    /// The name of the state.
    pub(crate) of: Option<String>,
    pub(crate) n: usize,
    pub(crate) key: Option<Vec<u8>>,
}

impl Question {
    /// Reads the query: only known parameters, each at most once.
    pub(crate) fn new(uri: &Uri, known: &[&str], most_rows: usize) -> Result<Self, Refusal> {
        let mut question = Self {
            of: None,
            n: Limits::USUAL_ROWS.min(most_rows),
            key: None,
        };
        let mut given = Vec::new();
        let query = uri.query().unwrap_or_default();
        for parameter in query.split('&').filter(|it| !it.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let (name, value) = (form_decoded(name), form_decoded(value));
            let is_known = known
                .iter()
                .any(|known| known.as_bytes() == name.as_slice());
            if !is_known || given.contains(&name) {
                return Err(Refusal::bad_query());
            }
            match &*name {
                b"of" => question.of = Some(text(value).ok_or_else(Refusal::bad_query)?),
                b"key" => question.key = Some(checked_key(value)?),
                _ => question.n = number(value, most_rows)?,
            }
            given.push(name);
        }
        Ok(question)
    }
}

/// A segment of the path, decoded; the first one is 1.
pub(crate) fn segment(uri: &Uri, number: usize) -> Vec<u8> {
    let segment = uri.path().split('/').nth(number).unwrap_or_default();
    percent_decode(segment.as_bytes()).collect()
}

/// The name of the stream in the path.
pub(crate) fn stream_name(uri: &Uri) -> Result<String, Refusal> {
    text(segment(uri, 2)).ok_or_else(Refusal::bad_path)
}

/// A key, if it is not too long.
pub(crate) fn checked_key(key: Vec<u8>) -> Result<Vec<u8>, Refusal> {
    match key.len() > Limits::KEY_BYTES {
        true => Err(Refusal::long_key(Limits::KEY_BYTES)),
        false => Ok(key),
    }
}

fn number(value: Vec<u8>, most: usize) -> Result<usize, Refusal> {
    let number = text(value).and_then(|text| text.parse().ok());
    let number = number.filter(|&number| number <= most);
    number.ok_or_else(|| Refusal::bad_number(most))
}

fn text(bytes: Vec<u8>) -> Option<String> {
    String::from_utf8(bytes).ok()
}

/// The bytes of a name or a value as forms write them: a plus sign is a space.
fn form_decoded(text: &str) -> Vec<u8> {
    let text = text.replace('+', " ");
    percent_decode(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(query: &str) -> Result<Question, Refusal> {
        let uri = format!("/path?{query}").parse().expect("a valid path");
        Question::new(&uri, &["of", "n", "key"], 50)
    }

    #[test]
    fn parameters_are_bytes_and_come_once_each() {
        let asked = question("key=%FF+%2B&of=a%20b&n=7").expect("it makes sense");
        assert_eq!(asked.key.as_deref(), Some(&b"\xff +"[..]));
        assert_eq!((asked.of.as_deref(), asked.n), (Some("a b"), 7));
        let nothing = question("&&").expect("no parameters");
        assert_eq!(
            (nothing.of, nothing.n, nothing.key),
            (None, Limits::USUAL_ROWS, None)
        );
        assert_eq!(question("key").expect("an empty key").key, Some(Vec::new()));
        for query in ["n=1&n=1", "n=1&%6e=1", "key=&key=", "N=1", "of=%FF", "="] {
            assert!(question(query).is_err(), "{query}");
        }
    }

    #[test]
    fn segments_of_a_path_are_decoded_one_by_one() {
        let uri = "/streams/a%2Fb+c/state/%FF".parse().expect("a valid path");
        assert_eq!(stream_name(&uri).expect("text"), "a/b+c");
        assert_eq!(segment(&uri, 4), b"\xff");
        assert_eq!(segment(&uri, 5), b"");
    }
}
