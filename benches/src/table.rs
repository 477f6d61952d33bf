//! What a bench says, and the table of all of them.

use std::fmt::Write as _;

use crate::baseline::{Baseline, WORSE};

/// What is wanted of a figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aim {
    /// So many times what stands beside it, at most.
    Ratio(f64),
    /// Our own figure, at most.
    Ours(f64),
    /// Nothing; it is there to be known.
    None,
}

/// One figure beside another.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// What it is of, and the line of the baseline.
    pub name: String,
    /// Ours.
    pub ours: f64,
    /// Its unit.
    pub unit: &'static str,
    /// What stands beside it, in words and figures.
    pub beside: String,
    /// Ours through that; the median, where there are five.
    pub ratio: Option<f64>,
    /// What is wanted.
    pub aim: Aim,
    /// What else is to be known about it.
    pub note: String,
}

/// A line of the table.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// It was measured.
    Measured(Figure),
    /// It was not.
    Skipped {
        /// What.
        name: String,
        /// Why not.
        why: String,
    },
}

impl Line {
    /// Nothing was measured, for want of this program.
    #[must_use]
    pub fn missing(name: &str, program: &str) -> Self {
        let why = format!("{program} is not installed");
        Self::Skipped {
            name: name.into(),
            why,
        }
    }
}

impl Figure {
    /// A figure with nothing beside it yet.
    #[must_use]
    pub fn new(name: impl Into<String>, ours: f64, unit: &'static str) -> Self {
        let (beside, note) = (String::new(), String::new());
        Self {
            name: name.into(),
            ours,
            unit,
            beside,
            ratio: None,
            aim: Aim::None,
            note,
        }
    }

    /// Says what stands beside it.
    #[must_use]
    pub fn beside(mut self, beside: impl Into<String>, ratio: f64) -> Self {
        self.beside = beside.into();
        self.ratio = Some(ratio);
        self
    }

    /// Says what is wanted.
    #[must_use]
    pub const fn aim(mut self, aim: Aim) -> Self {
        self.aim = aim;
        self
    }

    /// Says what else is to be known.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// Whether what is wanted was reached; `None` if nothing is.
    #[must_use]
    pub fn reached(&self) -> Option<bool> {
        match self.aim {
            Aim::Ratio(most) => self.ratio.map(|ratio| ratio <= most),
            Aim::Ours(most) => Some(self.ours <= most),
            Aim::None => None,
        }
    }

    /// Whether the ratio is a tenth worse than the committed one.
    #[must_use]
    pub fn is_worse(&self, baseline: &Baseline) -> bool {
        let before = baseline.ratio(&self.name);
        self.ratio
            .zip(before)
            .is_some_and(|(ratio, before)| ratio > before * WORSE)
    }

    fn verdict(&self, baseline: &Baseline) -> String {
        let aim = match self.reached() {
            Some(true) => "reached",
            Some(false) => "MISSED",
            None => "",
        };
        let change = match (self.ratio, baseline.ratio(&self.name)) {
            _ if self.is_worse(baseline) => "WORSE",
            (Some(_), None) => "new",
            _ => "",
        };
        [aim, change]
            .iter()
            .filter(|word| !word.is_empty())
            .copied()
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// The whole table, as text.
#[must_use]
pub fn text(lines: &[Line], baseline: &Baseline) -> String {
    let head = [
        "what", "ours", "beside", "ratio", "baseline", "aim", "verdict",
    ]
    .map(str::to_owned);
    let mut cells = vec![head];
    cells.extend(lines.iter().map(|line| row(line, baseline)));
    let widths: Vec<usize> = (0..7)
        .map(|column| {
            cells
                .iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in &cells {
        let padded: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", padded.join(" | ").trim_end());
    }
    for line in lines {
        if let Line::Measured(figure) = line
            && !figure.note.is_empty()
        {
            let _ = writeln!(text, "  {}: {}", figure.name, figure.note);
        }
    }
    text
}

fn row(line: &Line, baseline: &Baseline) -> [String; 7] {
    let number =
        |number: Option<f64>| number.map_or_else(String::new, |number| format!("{number:.2}"));
    match line {
        Line::Measured(figure) => [
            figure.name.clone(),
            format!("{} {}", rounded(figure.ours), figure.unit),
            figure.beside.clone(),
            number(figure.ratio),
            number(baseline.ratio(&figure.name)),
            match figure.aim {
                Aim::Ratio(most) => format!("ratio <= {most}"),
                Aim::Ours(most) => format!("<= {most} {}", figure.unit),
                Aim::None => String::new(),
            },
            figure.verdict(baseline),
        ],
        Line::Skipped { name, why } => {
            let mut row = [const { String::new() }; 7];
            row[0].clone_from(name);
            row[6] = format!("skipped: {why}");
            row
        }
    }
}

/// Three significant digits or so: more would be false.
#[must_use]
pub fn rounded(number: f64) -> String {
    match number.abs() {
        size if size >= 100.0 || size == size.trunc() => format!("{number:.0}"),
        size if size >= 10.0 => format!("{number:.1}"),
        size if size >= 0.1 => format!("{number:.2}"),
        _ => format!("{number:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts() {
        let baseline = Baseline::parse("known = 2.00\n").unwrap();
        let figure =
            |name: &str, ratio, aim| Figure::new(name, 5.0, "ms").beside("", ratio).aim(aim);
        let table = [
            (figure("known", 2.1, Aim::Ratio(3.0)), "reached"),
            (figure("known", 2.3, Aim::Ratio(3.0)), "reached, WORSE"),
            (figure("known", 1.0, Aim::Ratio(0.5)), "MISSED"),
            (figure("other", 9.0, Aim::Ours(5.0)), "reached, new"),
            (figure("other", 9.0, Aim::None), "new"),
            (
                Figure::new("known", 5.0, "ms").aim(Aim::Ours(4.9)),
                "MISSED",
            ),
        ];
        for (figure, verdict) in table {
            assert_eq!(figure.verdict(&baseline), verdict, "{figure:?}");
        }
    }

    #[test]
    fn a_table_lines_up() {
        let lines = [
            Line::Measured(
                Figure::new("relay", 3.3, "us")
                    .beside("bare 3.0 us", 1.1)
                    .note("0 lost"),
            ),
            Line::missing("codec", "valgrind"),
        ];
        let text = text(&lines, &Baseline::default());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[1],
            "relay | 3.30 us | bare 3.0 us | 1.10  |          |     | new"
        );
        assert!(
            lines[2].starts_with("codec |")
                && lines[2].ends_with("skipped: valgrind is not installed")
        );
        assert_eq!(lines[3], "  relay: 0 lost");
        for (number, as_text) in [
            (15_286.4, "15286"),
            (52.14, "52.1"),
            (0.31, "0.31"),
            (0.0171, "0.0171"),
            (0.0, "0"),
        ] {
            assert_eq!(rounded(number), as_text);
        }
    }
}
