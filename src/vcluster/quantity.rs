//! Kubernetes quantities: `100m`, `256Mi`, `1e3`, compared exactly.
//!
//! Mirrors `Quantity.UnmarshalJSON` of `k8s.io/apimachinery/pkg/api/resource`, down to what it takes for
//! zero: a suffix alone, or a sign. Values are rounded up to a billionth, and those with a binary
//! suffix end at 2⁶³−1.

use std::cmp::Ordering;

use crate::values::Data;

/// An exact number with at most nine digits behind the point.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Quantity {
    negative: bool,
    /// Decimal digits, each 0 to 9, of 0.d₁d₂d₃… × 10^`point`; neither the first nor the last is
    /// 0, and there are none for zero.
    digits: Vec<u8>,
    point: i64,
}

/// Why a text is no quantity.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum QuantityError {
    /// Not a number with a suffix.
    #[error("not a quantity")]
    Form,
    /// Longer, or with a larger exponent, than anything that is meant.
    #[error("too long or too large for a quantity")]
    TooLarge,
}

impl Quantity {
    /// Reads a quantity; white space around it does not count.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        let text = text.trim();
        if text.len() > MAX_TEXT {
            return Err(QuantityError::TooLarge);
        }
        if text.is_empty() {
            return Err(QuantityError::Form);
        }
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, rest) = split_digits(unsigned);
        let (fraction, suffix) = rest.strip_prefix('.').map_or(("", rest), split_digits);
        let scale = Scale::parse(suffix)?;
        let mut digits: Vec<u8> = whole
            .bytes()
            .chain(fraction.bytes())
            .map(|digit| digit - b'0')
            .collect();
        // Go's way for small numbers takes no digits for a zero, its other way does not
        if digits.is_empty() && matches!(scale, Scale::Binary(50..) | Scale::Decimal(..-9)) {
            return Err(QuantityError::Form);
        }
        let mut point = i64::try_from(whole.len()).unwrap_or(i64::MAX);
        match scale {
            Scale::Decimal(exponent) => point += exponent,
            Scale::Binary(exponent) => {
                for _ in 0..exponent / 10 {
                    point += multiply(&mut digits, 1024);
                }
            }
        }
        let mut quantity = Self {
            negative,
            digits,
            point,
        };
        quantity.trim();
        quantity.round_up();
        let most = Self::most();
        if matches!(scale, Scale::Binary(_)) && quantity.cmp_unsigned(&most) == Ordering::Greater {
            quantity = Self { negative, ..most };
        }
        Ok(quantity)
    }

    /// The quantity that a value is: a text, or a number, which means what it looks like.
    pub fn of(data: &Data) -> Option<Self> {
        match data {
            Data::String(text) => Self::parse(text).ok(),
            Data::Number(number) => Self::parse(&number.to_string()).ok(),
            _ => None,
        }
    }

    /// Whether it is below zero, which no resource can be.
    pub const fn is_negative(&self) -> bool {
        self.negative
    }

    /// Zero.
    pub const fn zero() -> Self {
        Self {
            negative: false,
            digits: Vec::new(),
            point: 0,
        }
    }

    /// 2⁶³−1.
    fn most() -> Self {
        let digits: Vec<_> = i64::MAX.to_string().bytes().map(|b| b - b'0').collect();
        Self {
            negative: false,
            digits,
            point: 19,
        }
    }

    /// Takes off zeros at both ends.
    fn trim(&mut self) {
        let zeros = self.digits.iter().take_while(|digit| **digit == 0).count();
        self.digits.drain(..zeros);
        self.point -= i64::try_from(zeros).unwrap_or(i64::MAX);
        while self.digits.last() == Some(&0) {
            self.digits.pop();
        }
        if self.digits.is_empty() {
            *self = Self::zero();
        }
    }

    /// Rounds away from zero to nine digits behind the point.
    fn round_up(&mut self) {
        let kept = usize::try_from(self.point.saturating_add(9)).unwrap_or(0);
        if self.digits.len() <= kept {
            return;
        }
        self.digits.truncate(kept);
        if kept == 0 {
            // not zero, however small
            self.point = -9;
        }
        let mut carry = true;
        for digit in self.digits.iter_mut().rev() {
            if !carry {
                break;
            }
            carry = *digit == 9;
            *digit = if carry { 0 } else { *digit + 1 };
        }
        if carry {
            self.digits.insert(0, 1);
            self.point += 1;
        }
        self.trim();
    }

    fn cmp_unsigned(&self, other: &Self) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => (self.point, &self.digits).cmp(&(other.point, &other.digits)),
        }
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.cmp_unsigned(other),
            (true, true) => other.cmp_unsigned(self),
        }
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Longer texts are no quantities that anybody wrote.
const MAX_TEXT: usize = 128;

/// Larger exponents make nothing that a cluster has.
const MAX_EXPONENT: i64 = 1000;

/// What a suffix stands for.
#[derive(Clone, Copy)]
enum Scale {
    /// 10 to this.
    Decimal(i64),
    /// 2 to this.
    Binary(u32),
}

impl Scale {
    fn parse(suffix: &str) -> Result<Self, QuantityError> {
        Ok(match suffix {
            "" => Self::Decimal(0),
            "n" => Self::Decimal(-9),
            "u" => Self::Decimal(-6),
            "m" => Self::Decimal(-3),
            "k" => Self::Decimal(3),
            "M" => Self::Decimal(6),
            "G" => Self::Decimal(9),
            "T" => Self::Decimal(12),
            "P" => Self::Decimal(15),
            "E" => Self::Decimal(18),
            "Ki" => Self::Binary(10),
            "Mi" => Self::Binary(20),
            "Gi" => Self::Binary(30),
            "Ti" => Self::Binary(40),
            "Pi" => Self::Binary(50),
            "Ei" => Self::Binary(60),
            _ => {
                let exponent = suffix.strip_prefix(['e', 'E']).ok_or(QuantityError::Form)?;
                let exponent: i64 = exponent.parse().map_err(|_| QuantityError::Form)?;
                if exponent.abs() > MAX_EXPONENT {
                    return Err(QuantityError::TooLarge);
                }
                Self::Decimal(exponent)
            }
        })
    }
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Multiplies decimal digits; returns by how many there are more at the front.
fn multiply(digits: &mut Vec<u8>, factor: u32) -> i64 {
    let mut carry = 0;
    for digit in digits.iter_mut().rev() {
        let product = u32::from(*digit) * factor + carry;
        *digit = u8::try_from(product % 10).unwrap_or(0);
        carry = product / 10;
    }
    let mut more = 0;
    while carry > 0 {
        digits.insert(0, u8::try_from(carry % 10).unwrap_or(0));
        carry /= 10;
        more += 1;
    }
    more
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantity(text: &str) -> Quantity {
        Quantity::parse(text).unwrap()
    }

    #[test]
    fn the_same_number_is_equal_however_it_is_written() {
        for (one, other) in [
            ("1", "1000m"),
            ("0.5Ki", "512"),
            ("1.5Mi", "1536Ki"),
            ("1e3", "1k"),
            ("1E", "1e18"),
            ("1Ei", "1152921504606846976"),
            ("-0", "0"),
            ("+1", "1."),
            (".5", "500m"),
            ("0.1n", "1n"),
            ("0.0000000011", "2n"),
            ("0.9999999999", "1"),
            ("99Ei", "9223372036854775807"),
            ("Ki", "0"),
            ("-", "0"),
            ("00100m", "0.1"),
            (" 1Gi\n", "1Gi"),
        ] {
            assert_eq!(quantity(one), quantity(other), "{one} {other}");
        }
    }

    #[test]
    fn quantities_are_ordered_exactly() {
        let ordered = [
            "-1Gi",
            "-1",
            "-1n",
            "0",
            "1n",
            "1u",
            "999u",
            "1m",
            "100m",
            "0.1000001",
            "1",
            "64Mi",
            "67108865",
            "256Mi",
            "9007199254740993",
            "9007199254740994",
            "1e19",
            "1e1000",
        ];
        for (number, one) in ordered.iter().enumerate() {
            for (other_number, other) in ordered.iter().enumerate() {
                assert_eq!(
                    quantity(one).cmp(&quantity(other)),
                    number.cmp(&other_number),
                    "{one} {other}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in [
            "", " ", "x", "1 Gi", "1GB", "1gi", "1K", "1ki", "1MB", "256MiB", "1e", "1e1.5", "--1",
            "1_0", "0x1", "1i", "Pi", "e-10", "١",
        ] {
            assert_eq!(Quantity::parse(text), Err(QuantityError::Form), "{text:?}");
        }
        for text in ["1e1001", "1e-1001", &"1".repeat(129)] {
            assert_eq!(Quantity::parse(text), Err(QuantityError::TooLarge));
        }
    }
}
