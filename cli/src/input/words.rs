//! Words: maximal runs of letters, digits and apostrophes, in lower case.

/// Finds words in text; reuses its memory from call to call.
#[derive(Debug, Default)]
pub(crate) struct WordFinder {
    /// The text with its ASCII letters in lower case, made in one fast pass.
    lowered: Vec<u8>,
}

/// The class of a byte: a character of a word, part of a longer character, or neither.
#[derive(Clone, Copy, PartialEq)]
enum Class {
    Other,
    Word,
    NonAscii,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        if byte >= 0x80 {
            classes[byte] = Class::NonAscii;
        } else if (byte as u8).is_ascii_alphanumeric() || byte as u8 == b'\'' {
            classes[byte] = Class::Word;
        }
        byte += 1;
    }
    classes
};

impl WordFinder {
    /// Calls `visit` with every word of `text`, in order, as UTF-8.
    ///
    /// Invalid UTF-8 separates words.
    ///
    /// # Errors
    ///
    /// The first error of `visit`.
    pub(crate) fn for_each<E>(
        &mut self,
        text: &[u8],
        mut visit: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.lowered.clear();
        self.lowered.extend_from_slice(text);
        self.lowered.make_ascii_lowercase();
        let mut rest = self.lowered.as_slice();
        while let Some(start) = rest.iter().position(|&byte| class(byte) != Class::Other) {
            rest = &rest[start..];
            let ascii = length_while(rest, |class| class == Class::Word);
            if rest
                .get(ascii)
                .is_some_and(|&byte| class(byte) == Class::NonAscii)
            {
                let run = length_while(rest, |class| class != Class::Other);
                for_each_unicode(&rest[..run], &mut visit)?;
                rest = &rest[run..];
            } else {
                visit(&rest[..ascii])?;
                rest = &rest[ascii..];
            }
        }
        Ok(())
    }
}

#[inline]
fn class(byte: u8) -> Class {
    CLASSES[usize::from(byte)]
}

#[inline]
fn length_while(text: &[u8], keep: impl Fn(Class) -> bool) -> usize {
    text.iter()
        .position(|&byte| !keep(class(byte)))
        .unwrap_or(text.len())
}

/// The slow path: a run with characters beyond ASCII and without ASCII separators.
fn for_each_unicode<E>(
    run: &[u8],
    visit: &mut impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    for chunk in run.utf8_chunks() {
        for word in chunk.valid().split(|c| !is_word_char(c)) {
            if !word.is_empty() {
                visit(word.to_lowercase().as_bytes())?;
            }
        }
    }
    Ok(())
}

fn is_word_char(c: char) -> bool {
    const TYPOGRAPHIC_APOSTROPHE: char = '\u{2019}';
    c.is_alphabetic() || c.is_numeric() || c == '\'' || c == TYPOGRAPHIC_APOSTROPHE
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn words(text: impl AsRef<[u8]>) -> Vec<String> {
        let mut found = Vec::new();
        let Ok(()) = WordFinder::default().for_each::<Infallible>(text.as_ref(), |word| {
            found.push(String::from_utf8(word.to_vec()).expect("words are UTF-8"));
            Ok(())
        });
        found
    }

    #[test]
    fn words_are_runs_of_letters_digits_and_apostrophes_in_lower_case() {
        assert_eq!(
            words("Ge1:1 Don't stop—the SEA's 2nd\tebb.\n"),
            ["ge1", "1", "don't", "stop", "the", "sea's", "2nd", "ebb"]
        );
        assert!(words(" ,.;\r\n").is_empty());
        assert!(words("").is_empty());
    }

    #[test]
    fn letters_beyond_ascii_belong_to_words() {
        assert_eq!(
            words("Égalité naïve ΣΟΦΟΣ l’ÉTÉ 東京タワー x²"),
            ["égalité", "naïve", "σοφος", "l’été", "東京タワー", "x²"]
        );
    }

    #[test]
    fn invalid_utf8_separates_words_and_is_no_error() {
        assert_eq!(
            words(b"ab\xffcd \xe9t\xe9 \xc3\xa9\xc3"),
            ["ab", "cd", "t", "é"]
        );
    }

    #[test]
    fn agrees_with_splitting_the_decoded_text() {
        let text = "A’b'c ÄÖ-ü1 ǅ x\u{301}y İstanbul ٣٤ _z_ \u{a0}q";
        let plain: Vec<String> = text
            .split(|c| !is_word_char(c))
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        assert_eq!(words(text), plain);
    }
}
