//! The queries of `--estimate`: a quantity, and the conditions that a line must meet.
//!
//! ```text
//! QUERY     = QUANTITY [ "where" CONDITION { "and" CONDITION } ]
//! QUANTITY  = "count" | "weight" | "fraction" | "sum(" FIELD ")" | "mean(" FIELD ")"
//!           | "quantile(" FIELD "," SHARE ")"
//! CONDITION = FIELD ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) VALUE
//! ```
//!
//! FIELD is the number of a field, from 1. VALUE is any text up to the next word `and`; it does not
//! begin with `=`, `<` or `>`. If the field and VALUE are both numbers, they are compared as numbers
//! (`-` in a field is 0), otherwise as text.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::error::Problem;
use crate::input::field::{Separator, parse_amount, parse_number};
use crate::place::FieldNumber;

/// A question about all lines.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Query {
    /// As the user wrote it.
    text: String,
    pub(crate) quantity: Quantity,
    /// All of these must hold.
    conditions: Vec<Condition>,
}

/// What to estimate, for the lines that meet the conditions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Quantity {
    Count,
    Weight,
    Fraction,
    Sum(FieldNumber),
    Mean(FieldNumber),
    Quantile(FieldNumber, f64),
}

impl Quantity {
    /// Its name, without arguments.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Weight => "weight",
            Self::Fraction => "fraction",
            Self::Sum(_) => "sum",
            Self::Mean(_) => "mean",
            Self::Quantile(..) => "quantile",
        }
    }

    /// The field whose numbers it needs, if any.
    const fn field(self) -> Option<FieldNumber> {
        match self {
            Self::Count | Self::Weight | Self::Fraction => None,
            Self::Sum(field) | Self::Mean(field) | Self::Quantile(field, _) => Some(field),
        }
    }
}

impl Query {
    /// Whether there are no conditions.
    pub(crate) fn is_unconditional(&self) -> bool {
        self.conditions.is_empty()
    }

    /// Checks that a line has the fields that the query needs.
    ///
    /// # Errors
    ///
    /// A missing field, or a field that must be a number and is not.
    pub(crate) fn check(&self, separator: &Separator, line: &[u8]) -> Result<(), Problem> {
        self.evaluate(separator, line).map(drop)
    }

    /// The number that the line contributes, 1 if the quantity needs no field; `None` if the line
    /// does not meet the conditions or lacks a field.
    pub(crate) fn value(&self, separator: &Separator, line: &[u8]) -> Option<f64> {
        self.evaluate(separator, line).unwrap_or_default()
    }

    fn evaluate(&self, separator: &Separator, line: &[u8]) -> Result<Option<f64>, Problem> {
        for condition in &self.conditions {
            if !condition.holds(separator.field(line, condition.field)?) {
                return Ok(None);
            }
        }
        let number = |field| separator.amount(line, field);
        self.quantity.field().map_or(Ok(1.0), number).map(Some)
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Query {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = Span { text, column: 1 };
        let (quantity, conditions) = match all.split(" where") {
            Some((quantity, conditions)) => (quantity, Some(conditions)),
            None => (all, None),
        };
        let quantity = quantity.trim();
        let parsed = quantity.quantity()?;
        let conditions = conditions.map_or(Ok(Vec::new()), Span::conditions)?;
        if parsed == Quantity::Fraction && conditions.is_empty() {
            let reason = "fraction needs a condition, for example: fraction where 9=404";
            return Err(quantity.error(reason));
        }
        Ok(Self {
            text: text.trim().to_owned(),
            quantity: parsed,
            conditions,
        })
    }
}

/// A part of the text of a query.
#[derive(Clone, Copy, Debug)]
struct Span<'a> {
    text: &'a str,
    /// The number of its first character in the query, from 1.
    column: usize,
}

impl<'a> Span<'a> {
    /// What is wrong with it, and where.
    fn error(self, reason: impl fmt::Display) -> String {
        format!("column {}: {reason}", self.column)
    }

    /// The parts before and after a place.
    fn at(self, place: usize) -> (Self, Self) {
        let (before, after) = self.text.split_at(place);
        let column = self.column + before.chars().count();
        let before = Self {
            text: before,
            ..self
        };
        (
            before,
            Self {
                text: after,
                column,
            },
        )
    }

    /// The parts before and after a word that begins with a space and ends with one or with the text.
    fn split(self, word: &str) -> Option<(Self, Self)> {
        let ends = |place: &usize| {
            let after = &self.text[place + word.len()..];
            after.is_empty() || after.starts_with(' ')
        };
        let place = self
            .text
            .match_indices(word)
            .map(|(place, _)| place)
            .find(ends)?;
        let (before, rest) = self.at(place);
        Some((before, rest.at(word.len()).1))
    }

    fn trim(self) -> Self {
        let start = self.text.len() - self.text.trim_start().len();
        let (_, rest) = self.at(start);
        Self {
            text: rest.text.trim_end(),
            ..rest
        }
    }

    fn quantity(self) -> Result<Quantity, String> {
        let unknown = || {
            self.error(format_args!(
                "{:?} is not one of count, weight, fraction, sum(FIELD), mean(FIELD) and \
                 quantile(FIELD, SHARE)",
                self.text
            ))
        };
        match self.text {
            "count" => return Ok(Quantity::Count),
            "weight" => return Ok(Quantity::Weight),
            "fraction" => return Ok(Quantity::Fraction),
            _ => {}
        }
        let open = self.text.find('(').ok_or_else(unknown)?;
        let (name, rest) = self.at(open);
        let close = rest.text.len() - 1;
        if !rest.text.ends_with(')') {
            return Err(unknown());
        }
        let argument = rest.at(close).0.at(1).1;
        let comma = argument.text.find(',');
        match (name.text.trim(), comma) {
            ("sum", None) => argument.field().map(Quantity::Sum),
            ("mean", None) => argument.field().map(Quantity::Mean),
            ("quantile", Some(comma)) => {
                let (number, share) = argument.at(comma);
                Ok(Quantity::Quantile(number.field()?, share.at(1).1.share()?))
            }
            _ => Err(unknown()),
        }
    }

    fn share(self) -> Result<f64, String> {
        let span = self.trim();
        parse_number(span.text.as_bytes())
            .filter(|share| (0.0..=1.0).contains(share))
            .ok_or_else(|| span.error(format_args!("{:?} is not a share from 0 to 1", span.text)))
    }

    fn field(self) -> Result<FieldNumber, String> {
        let span = self.trim();
        let parsed = span.text.parse();
        parsed.map_err(|reason| span.error(format_args!("{:?}: {reason}", span.text)))
    }

    /// Conditions, with `and` between them.
    fn conditions(self) -> Result<Vec<Condition>, String> {
        let mut conditions = Vec::new();
        let mut rest = self;
        while let Some((condition, more)) = rest.split(" and") {
            conditions.push(condition.condition()?);
            rest = more;
        }
        conditions.push(rest.condition()?);
        Ok(conditions)
    }

    fn condition(self) -> Result<Condition, String> {
        let span = self.trim();
        let digits = span.text.find(|c: char| !c.is_ascii_digit());
        let (number, rest) = span.at(digits.unwrap_or(span.text.len()));
        let rest = rest.trim();
        let found = Relation::ALL
            .into_iter()
            .find(|(symbol, _)| rest.text.starts_with(*symbol));
        let (symbol, relation) = found.ok_or_else(|| {
            span.error(format_args!(
                "{:?} is not a condition like 9=404 (with =, !=, <, <=, > or >=)",
                span.text
            ))
        })?;
        let value = rest.at(symbol.len()).1.trim();
        if value.text.starts_with(['=', '<', '>']) {
            return Err(rest.error(format_args!(
                "{:?} does not begin with one of =, !=, <, <=, > and >=, and a value",
                rest.text
            )));
        }
        Ok(Condition {
            field: number.field()?,
            relation,
            value: value.text.to_owned(),
        })
    }
}

/// A condition on one field.
#[derive(Clone, Debug, PartialEq)]
struct Condition {
    field: FieldNumber,
    relation: Relation,
    value: String,
}

/// How a field must compare with a value.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Relation {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Relation {
    /// The symbols; one that begins with another one comes before it.
    const ALL: [(&'static str, Self); 6] = [
        ("!=", Self::Unequal),
        ("<=", Self::AtMost),
        (">=", Self::AtLeast),
        ("=", Self::Equal),
        ("<", Self::Less),
        (">", Self::More),
    ];

    fn allows(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Unequal => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::More => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

impl Condition {
    fn holds(&self, field: &[u8]) -> bool {
        let numbers = parse_number(self.value.as_bytes()).zip(parse_amount(field));
        let order = match numbers {
            Some((value, field)) => field.total_cmp(&value),
            None => field.cmp(self.value.as_bytes()),
        };
        self.relation.allows(order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        text.parse().expect(text)
    }

    #[test]
    fn conditions_compare_numbers_as_numbers_and_everything_else_as_text() {
        let line = b"200 - abc 1e3 -5 9";
        for (condition, holds) in [
            ("1=200", true),
            ("1 = 200.0", true),
            ("1!=200", false),
            ("1<1000", true),
            ("1>1000", false),
            ("6<10", true),
            ("2=0", true),
            ("2=-", true),
            ("2<=-1", false),
            ("3=abc", true),
            ("3>=abd", false),
            ("3>12", true),
            ("4=1000", true),
            ("5<0", true),
            ("5=-5 and 1=200", true),
            ("3=android", false),
            ("3>=a and 3<brandy", true),
            ("5=-5 and 1=201", false),
        ] {
            let query = query(&format!("count where {condition}"));
            let value = query.value(&Separator::new(None), line);
            assert_eq!(value.is_some(), holds, "{condition}");
        }
    }

    #[test]
    fn only_lines_that_meet_the_conditions_have_values() {
        let separator = Separator::new(None);
        let value = |text: &str, line: &str| query(text).value(&separator, line.as_bytes());
        assert_eq!(value("sum(2) where 1=a", "a 7"), Some(7.0));
        assert_eq!(value("sum(2) where 1=a", "b 7"), None);
        assert_eq!(value("quantile(2, 0.5)", "a -"), Some(0.0));
        assert_eq!(value("count", ""), Some(1.0));
        assert!(query("mean(2)").check(&separator, b"a x").is_err());
        assert!(query("count where 3=1").check(&separator, b"a x").is_err());
        // A line that does not meet the conditions need not have a number.
        assert!(query("sum(2) where 1=b").check(&separator, b"a x").is_ok());
    }

    #[test]
    fn text_that_is_not_a_query_is_refused_with_a_reason() {
        for (text, reason) in [
            ("", "is not one of count"),
            ("max(1)", "is not one of count"),
            ("sum", "is not one of count"),
            ("sum(1", "is not one of count"),
            ("sum(1, 2)", "is not one of count"),
            ("quantile(1)", "is not one of count"),
            ("sum(0)", "the first field is 1"),
            ("sum(x)", "a field number must be a whole number"),
            ("quantile(1, 1.5)", "not a share from 0 to 1"),
            ("quantile(1, NaN)", "not a share from 0 to 1"),
            ("count where", "column 12: \"\" is not a condition"),
            ("fraction", "needs a condition"),
            ("count where 9", "not a condition like 9=404"),
            ("count where =4", "a field number must be a whole number"),
            ("count where 9=404 and ", "not a condition"),
            ("count where 9~404", "not a condition"),
            (
                "mean(1) where 1=5 and",
                "column 22: \"\" is not a condition",
            ),
            (
                "count where 1=5 and and 2=3",
                "column 20: \"\" is not a cond",
            ),
            ("count where é", "column 13: "),
            ("count where 2==200", "column 14: \"==200\" does not"),
            ("count where 2=>404", "column 14: "),
            ("count where 2<>200", "column 14: "),
            ("count where 1=1 and 2!==x", "column 22: "),
            ("quantile(1, 7)", "column 13: \"7\" is not a share"),
            ("sum( x)", "column 6: "),
        ] {
            let error = text.parse::<Query>().expect_err(text);
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
