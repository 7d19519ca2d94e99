//! Durations, sizes and amounts: whole numbers behind a notation for people.

use alloc::format;

use services_yaml::{Node, ScalarKind, Value, shown};

use crate::read::Reader;
use crate::rules;

/// The longest duration, a day.
const MILLISECONDS_MAX: u64 = 24 * 60 * 60 * 1000;
/// The largest size.
const BYTES_MAX: u64 = 1 << 50;
/// The largest amount, in its unit.
const AMOUNT_MAX: u64 = 1_000_000;

impl Reader {
    /// Milliseconds.
    pub(super) fn duration(&mut self, node: &Node) -> Option<u64> {
        let text = node.string(&mut self.errors)?;
        let value = duration(text);
        if value.is_none() {
            self.wrong(rules::MALFORMED_DURATION, node, format!("`{}` is not a duration", shown(text)));
        }
        value
    }

    /// Bytes.
    pub(super) fn size(&mut self, node: &Node) -> Option<u64> {
        if let Value::Scalar(scalar) = &node.value
            && scalar.kind == ScalarKind::Integer
        {
            return node.integer(1..=BYTES_MAX as i64, &mut self.errors).map(|bytes| bytes as u64);
        }
        let text = node.string(&mut self.errors)?;
        let value = size(text);
        if value.is_none() {
            self.wrong(rules::MALFORMED_SIZE, node, format!("`{}` is not a size", shown(text)));
        }
        value
    }

    /// A number, in units of which 10 to the power of `digits` are one.
    pub(super) fn amount(&mut self, node: &Node, digits: usize) -> Option<u64> {
        node.number(&mut self.errors)?;
        let Value::Scalar(scalar) = &node.value else { return None };
        let value = amount(&scalar.text, digits);
        if value.is_none() {
            let message = format!(
                "`{}` is not a number from 0 to {AMOUNT_MAX} with at most {digits} digits after the point",
                shown(&scalar.text)
            );
            self.wrong(rules::MALFORMED_AMOUNT, node, message);
        }
        value
    }

    /// A count.
    pub(super) fn count(&mut self, node: &Node, least: u32, most: u32) -> Option<u32> {
        let range = i64::from(least)..=i64::from(most);
        node.integer(range, &mut self.errors).and_then(|count| u32::try_from(count).ok())
    }
}

/// Digits only: `parse` alone would take a sign.
fn whole(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn scaled(text: &str, units: &[(&str, u64)], most: u64) -> Option<u64> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale = units.iter().find(|(name, _)| *name == unit)?.1;
    whole(number)?.checked_mul(scale).filter(|value| (1..=most).contains(value))
}

fn duration(text: &str) -> Option<u64> {
    scaled(text, &[("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)], MILLISECONDS_MAX)
}

fn size(text: &str) -> Option<u64> {
    let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)];
    scaled(text, &units, BYTES_MAX)
}

fn amount(text: &str, digits: usize) -> Option<u64> {
    let (whole_part, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole_part.is_empty() || fraction.len() > digits {
        return None;
    }
    let unit = 10_u64.pow(digits as u32);
    let fraction =
        if fraction.is_empty() { 0 } else { whole(fraction)? * 10_u64.pow((digits - fraction.len()) as u32) };
    let value = whole(whole_part)?.checked_mul(unit)?.checked_add(fraction)?;
    (value <= AMOUNT_MAX * unit).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::{amount, duration, size};

    #[test]
    fn quantities_are_whole_numbers_behind_a_notation() {
        assert_eq!(duration("500ms"), Some(500));
        assert_eq!(duration("24h"), Some(86_400_000));
        for bad in ["", "s", "1", "-1s", "+1s", "1.5s", "25h", "0s", "1 s", "99999999999999999999h", "1d"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
        assert_eq!(size("64MiB"), Some(64 << 20));
        for bad in ["64", "64MB", "1.5GiB", "0KiB", "99999999TiB", "MiB"] {
            assert_eq!(size(bad), None, "{bad}");
        }
        assert_eq!(amount("0.5", 3), Some(500));
        assert_eq!(amount("2", 6), Some(2_000_000));
        assert_eq!(amount("1000000", 6), Some(1_000_000_000_000));
        for bad in ["0.0001", "-1", "1e3", ".5", "+1", "1000001", "99999999999999999999"] {
            assert_eq!(amount(bad, 3), None, "{bad}");
        }
    }
}
