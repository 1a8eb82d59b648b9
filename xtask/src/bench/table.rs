//! The rows of the benchmark table, and how they are printed.

use std::fmt;
use std::time::Duration;

/// What can be measured; less is better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Quantity {
    /// How long it took.
    Time(Duration),
    /// How much memory it took.
    Bytes(u64),
}

/// What a measurement gave.
#[derive(Clone, Debug, PartialEq)]
pub enum Measured {
    /// This.
    Is(Quantity),
    /// Nothing, and why.
    Not(String),
}

/// One line of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// The work.
    pub what: &'static str,
    /// What ours may need at most.
    pub goal: Option<Quantity>,
    /// What ours needs.
    pub ours: Measured,
    /// What a peer needs for the same work.
    pub peer: Measured,
}

impl From<Duration> for Quantity {
    fn from(time: Duration) -> Self {
        Self::Time(time)
    }
}

impl From<u64> for Quantity {
    fn from(bytes: u64) -> Self {
        Self::Bytes(bytes)
    }
}

impl<T: Into<Quantity>> From<Result<T, String>> for Measured {
    fn from(result: Result<T, String>) -> Self {
        result.map_or_else(Self::Not, |quantity| Self::Is(quantity.into()))
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Time(time) if time < Duration::from_micros(10) => write!(f, "{:.2} us", time.as_secs_f64() * 1e6),
            Self::Time(time) if time < Duration::from_millis(1) => write!(f, "{:.0} us", time.as_secs_f64() * 1e6),
            Self::Time(time) if time < Duration::from_secs(1) => write!(f, "{:.2} ms", time.as_secs_f64() * 1e3),
            Self::Time(time) => write!(f, "{:.2} s", time.as_secs_f64()),
            Self::Bytes(bytes) if bytes < 1 << 20 => write!(f, "{:.1} KiB", bytes as f64 / 1024.0),
            Self::Bytes(bytes) => write!(f, "{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
        }
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(quantity) => quantity.fmt(f),
            Self::Not(why) => f.write_str(why),
        }
    }
}

impl Row {
    /// Whether the goal is met. A goal of another kind than the measurement is a mistake in the row, and not met.
    fn verdict(&self) -> &'static str {
        match (&self.goal, &self.ours) {
            (None, _) => "",
            (Some(Quantity::Time(goal)), Measured::Is(Quantity::Time(ours))) if ours <= goal => "met",
            (Some(Quantity::Bytes(goal)), Measured::Is(Quantity::Bytes(ours))) if ours <= goal => "met",
            (Some(_), Measured::Is(_)) => "MISSED",
            (Some(_), Measured::Not(_)) => "not measured",
        }
    }
}

/// The table in Markdown, so that it can be quoted as it is.
pub fn render(rows: &[Row]) -> String {
    let head = ["what", "goal", "ours", "", "peer"].map(str::to_owned);
    let body = rows.iter().map(|row| {
        let goal = row.goal.map_or_else(String::new, |goal| goal.to_string());
        [row.what.to_owned(), goal, row.ours.to_string(), row.verdict().to_owned(), row.peer.to_string()]
    });
    let lines: Vec<[String; 5]> = std::iter::once(head).chain(body).collect();
    let widths: [usize; 5] =
        std::array::from_fn(|column| lines.iter().map(|line| line[column].len()).max().unwrap_or(0).max(3));
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        let cells: Vec<String> = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text += &format!("| {} |\n", cells.join(" | "));
        if number == 0 {
            text += &format!("| {} |\n", widths.map(|width| "-".repeat(width)).join(" | "));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(time: u64) -> Quantity {
        Quantity::Time(Duration::from_millis(time))
    }

    #[test]
    fn quantities_are_read_at_a_glance() {
        let micros = |time| Quantity::Time(Duration::from_micros(time)).to_string();
        assert_eq!(micros(49), "49 us");
        assert_eq!(micros(1_234), "1.23 ms");
        assert_eq!(micros(2_500_000), "2.50 s");
        assert_eq!(Quantity::Bytes(5 << 19).to_string(), "2.5 MiB");
        assert_eq!(Quantity::Bytes(100 << 10).to_string(), "100.0 KiB");
    }

    #[test]
    fn a_goal_is_met_or_missed() {
        let verdict = |goal, ours| Row { what: "a", goal, ours, peer: Measured::Not(String::new()) }.verdict();
        assert_eq!(verdict(Some(millis(2)), Measured::Is(millis(2))), "met");
        assert_eq!(verdict(Some(millis(2)), Measured::Is(millis(3))), "MISSED");
        assert_eq!(verdict(Some(millis(2)), Measured::Is(Quantity::Bytes(0))), "MISSED");
        assert_eq!(verdict(Some(Quantity::Bytes(2)), Measured::Is(Quantity::Bytes(1))), "met");
        assert_eq!(verdict(Some(millis(2)), Measured::Not("broken".to_owned())), "not measured");
        assert_eq!(verdict(None, Measured::Is(millis(9))), "");
    }

    #[test]
    fn columns_are_aligned() {
        let row = Row {
            what: "open",
            goal: Some(millis(2)),
            ours: Measured::Is(millis(1)),
            peer: Measured::Not("absent".to_owned()),
        };
        let expected = "\
| what | goal    | ours    |     | peer   |
| ---- | ------- | ------- | --- | ------ |
| open | 2.00 ms | 1.00 ms | met | absent |
";
        assert_eq!(render(&[row]), expected);
    }
}
