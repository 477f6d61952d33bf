//! A few figures of one thing, and their median.

/// The median, least and greatest of some figures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Half lie below.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
}

impl Spread {
    /// Of these; `None` if there are none.
    #[must_use]
    pub fn of(figures: &[f64]) -> Option<Self> {
        let mut sorted = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len().checked_sub(1)? / 2;
        Some(Self {
            median: f64::midpoint(sorted[middle], sorted[sorted.len() / 2]),
            least: sorted[0],
            greatest: sorted[sorted.len() - 1],
        })
    }

    /// The one below which so many in a thousand lie; 0 if there are none.
    #[must_use]
    pub fn at(figures: &[f64], per_mille: usize) -> f64 {
        let mut sorted = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        let place = sorted.len() * per_mille / 1000;
        sorted
            .get(place)
            .or_else(|| sorted.last())
            .copied()
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_in_the_middle() {
        type Case = (&'static [f64], Option<(f64, f64, f64)>);
        let table: [Case; 4] = [
            (&[], None),
            (&[3.0], Some((3.0, 3.0, 3.0))),
            (&[9.0, 1.0], Some((5.0, 1.0, 9.0))),
            (&[9.0, 1.0, 2.0], Some((2.0, 1.0, 9.0))),
        ];
        for (figures, expected) in table {
            let spread = Spread::of(figures).map(|all| (all.median, all.least, all.greatest));
            assert_eq!(spread, expected, "{figures:?}");
        }
        assert_eq!(Spread::at(&[4.0, 1.0, 2.0, 3.0], 990), 4.0);
        assert_eq!(Spread::at(&[], 500), 0.0);
    }
}
