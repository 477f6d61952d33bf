//! The committed ratios: `benches/baseline.txt`, a line `NAME = RATIO` for each, `#` begins a comment.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use crate::table::Line;

/// How much greater than before a ratio may be.
pub const WORSE: f64 = 1.1;

/// Ratios of an earlier run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Baseline(BTreeMap<String, f64>);

impl Baseline {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// If a line is neither a comment nor a name with a ratio.
    pub fn parse(text: &str) -> Result<Self> {
        let lines = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let ratios = lines.map(|line| {
            let (name, ratio) = line
                .rsplit_once('=')
                .with_context(|| format!("no ratio: {line}"))?;
            let ratio = ratio
                .trim()
                .parse()
                .with_context(|| format!("no number: {line}"))?;
            Ok((name.trim().to_owned(), ratio))
        });
        ratios.collect::<Result<_>>().map(Self)
    }

    /// The ratio of that name.
    #[must_use]
    pub fn ratio(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }

    /// Takes over what was measured; what was skipped stays as it was.
    pub fn accept(&mut self, lines: &[Line]) {
        for line in lines {
            if let Line::Measured(figure) = line
                && let Some(ratio) = figure.ratio
            {
                self.0.insert(figure.name.clone(), ratio);
            }
        }
    }

    /// As it is committed.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = "# Our figure through the one beside it in the same run, as `make bench` prints it; less is better.\n\
             # A ratio a tenth above the one here fails `make bench`. `benches/run.sh --accept` writes this file.\n"
            .to_owned();
        for (name, ratio) in &self.0 {
            text.push_str(&format!("{name} = {ratio:.3}\n"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Figure;

    #[test]
    fn what_is_accepted_is_read_again() {
        let mut baseline =
            Baseline::parse("# a comment\n\nrelay, 200 calls = 1.25\nold = 3\n").unwrap();
        assert_eq!(baseline.ratio("relay, 200 calls"), Some(1.25));
        let lines = [
            Line::Measured(Figure::new("relay, 200 calls", 3.0, "us").beside("", 1.5)),
            Line::Measured(Figure::new("no ratio", 3.0, "us")),
            Line::missing("old", "perf"),
        ];
        baseline.accept(&lines);
        let again = Baseline::parse(&baseline.text()).unwrap();
        assert_eq!(again, baseline);
        let ratios = ["relay, 200 calls", "no ratio", "old"].map(|name| again.ratio(name));
        assert_eq!(ratios, [Some(1.5), None, Some(3.0)]);
        assert!(Baseline::parse("relay").is_err() && Baseline::parse("relay = fast").is_err());
    }
}
