//! The queries of `--estimate`: a quantity, and the conditions that a line must meet.
//!
//! ```text
//! QUERY     = QUANTITY [ "where" CONDITION { "and" CONDITION } ]
//! QUANTITY  = "count" | "weight" | "fraction" | "sum(" FIELD ")" | "mean(" FIELD ")"
//!           | "quantile(" FIELD "," SHARE ")"
//! CONDITION = FIELD ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) VALUE
//! ```
//!
//! FIELD is the number of a field, from 1. VALUE is any text up to the next ` and `. If the field and
//! VALUE are both numbers, they are compared as numbers (`-` in a field is 0), otherwise as text.

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
        let (quantity, conditions) = match text.split_once(" where ") {
            Some((quantity, conditions)) => (quantity, conditions.split(" and ").collect()),
            None => (text, Vec::new()),
        };
        let quantity = quantity.trim().parse()?;
        if quantity == Quantity::Fraction && conditions.is_empty() {
            return Err("fraction needs a condition, for example: fraction where 9=404".to_owned());
        }
        Ok(Self {
            text: text.trim().to_owned(),
            quantity,
            conditions: conditions
                .into_iter()
                .map(str::parse)
                .collect::<Result<_, _>>()?,
        })
    }
}

impl FromStr for Quantity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || {
            format!(
                "{text:?} is not one of count, weight, fraction, sum(FIELD), mean(FIELD) and \
                 quantile(FIELD, SHARE)"
            )
        };
        match text {
            "count" => return Ok(Self::Count),
            "weight" => return Ok(Self::Weight),
            "fraction" => return Ok(Self::Fraction),
            _ => {}
        }
        let inner = text.strip_suffix(')').ok_or_else(unknown)?;
        let (name, argument) = inner.split_once('(').ok_or_else(unknown)?;
        match (name.trim(), argument.split_once(',')) {
            ("sum", None) => field(argument).map(Self::Sum),
            ("mean", None) => field(argument).map(Self::Mean),
            ("quantile", Some((number, share))) => {
                let share = parse_number(share.as_bytes())
                    .filter(|share| (0.0..=1.0).contains(share))
                    .ok_or_else(|| format!("{share:?} is not a share from 0 to 1"))?;
                Ok(Self::Quantile(field(number)?, share))
            }
            _ => Err(unknown()),
        }
    }
}

fn field(text: &str) -> Result<FieldNumber, String> {
    let text = text.trim();
    text.parse().map_err(|reason| format!("{text:?}: {reason}"))
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

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit());
        let (number, rest) = text.split_at(digits.unwrap_or(text.len()));
        let rest = rest.trim_start();
        let found = Relation::ALL.into_iter().find_map(|(symbol, relation)| {
            let value = rest.strip_prefix(symbol)?;
            Some((relation, value.trim().to_owned()))
        });
        let (relation, value) = found.ok_or_else(|| {
            format!("{text:?} is not a condition like 9=404 (with =, !=, <, <=, > or >=)")
        })?;
        Ok(Self {
            field: field(number)?,
            relation,
            value,
        })
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
            ("count where", "is not one of count"),
            ("fraction", "needs a condition"),
            ("count where 9", "not a condition like 9=404"),
            ("count where =4", "a field number must be a whole number"),
            ("count where 9=404 and ", "not a condition"),
            ("count where 9~404", "not a condition"),
        ] {
            let error = text.parse::<Query>().expect_err(text);
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
