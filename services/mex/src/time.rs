//! Moments, as values: nothing here asks a clock.

use std::fmt;

/// A moment of UTC: seconds since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub u64);

impl Moment {
    /// Reads `2026-04-30T10:00:00Z`, and no other form.
    pub fn parse(text: &str) -> Option<Self> {
        const FORM: &[u8; 20] = b"dddd-dd-ddTdd:dd:ddZ";
        let fits =
            |(letter, form): (&u8, &u8)| if *form == b'd' { letter.is_ascii_digit() } else { letter == form };
        if text.len() != FORM.len() || !text.as_bytes().iter().zip(FORM).all(fits) {
            return None;
        }
        let part = |range: std::ops::Range<usize>| text.get(range)?.parse::<u64>().ok();
        let (year, month, day) = (part(0..4)?, part(5..7)?, part(8..10)?);
        let (hour, minute, second) = (part(11..13)?, part(14..16)?, part(17..19)?);
        let is_leap =
            |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let february = if is_leap(year) { 29 } else { 28 };
        let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let before = months.get(..usize::try_from(month).ok()?.checked_sub(1)?)?;
        let in_month = *months.get(before.len())?;
        if year < 1970 || !(1..=in_month).contains(&day) || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let leaps = |year: u64| year / 4 - year / 100 + year / 400;
        let days = (year - 1970) * 365 + leaps(year - 1) - leaps(1969) + before.iter().sum::<u64>() + day - 1;
        Some(Self(((days * 24 + hour) * 60 + minute) * 60 + second))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, rest) = (self.0 / 86_400, self.0 % 86_400);
        // Years that begin in March, in groups of 400 of them: leap days come last.
        let days = days + 719_468;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let shifted = (5 * day + 2) / 153;
        let day = day - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = era * 400 + year + u64::from(month <= 2);
        let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
        write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::Moment;

    #[test]
    fn what_is_written_is_read() {
        let days = (0..80_000).map(|day| day * 86_400 + day % 86_400);
        for seconds in days.chain([951_782_399, 951_782_400, 4_107_542_399, 253_402_300_799]) {
            assert_eq!(Moment::parse(&Moment(seconds).to_string()), Some(Moment(seconds)));
        }
    }

    #[test]
    fn moments_are_seconds_since_1970() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T00:00:00Z", 951_782_400),
            ("2001-01-01T00:00:00Z", 978_307_200),
            ("2026-04-30T10:00:00Z", 1_777_543_200),
            ("2100-03-01T00:00:00Z", 4_107_542_400),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] {
            assert_eq!(Moment::parse(text), Some(Moment(seconds)), "{text}");
        }
    }

    #[test]
    fn other_forms_are_none() {
        for text in [
            "2026-04-30T10:00:00",
            "2026-04-30 10:00:00Z",
            "2026-04-30T10:00:00z",
            "2026-04-30T10:00:00.0Z",
            "2026-04-30T10:00:00+00:00",
            "2026-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-32T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:60Z",
            "1969-12-31T23:59:59Z",
            "+026-01-01T00:00:00Z",
            "",
        ] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }
}
