//! The linear program of the best mixture of whole answers within both capacities, three rows however many services.

/// A column: shares of the uplink and of the cloud that it needs, how much of a whole answer it is, and its worth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub rows: [f64; 3],
    pub worth: f64,
}

/// The basis' inverse, what its columns are worth, and how much of each the mixture has.
pub(crate) struct Program {
    inverse: [[f64; 3]; 3],
    worths: [f64; 3],
    parts: [f64; 3],
}

impl Program {
    /// Both capacities unused, and nothing but an answer that needs neither.
    pub(crate) fn new(worth: f64) -> Self {
        let inverse = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        Self { inverse, worths: [0.0, 0.0, worth], parts: [1.0; 3] }
    }

    /// What a unit of each row is worth.
    pub(crate) fn duals(&self) -> [f64; 3] {
        let mut duals = [0.0; 3];
        for (row, worth) in self.inverse.iter().zip(self.worths) {
            for (dual, entry) in duals.iter_mut().zip(row) {
                *dual += worth * entry;
            }
        }
        duals
    }

    /// Takes the column into the basis; `false` where nothing limits it.
    pub(crate) fn enter(&mut self, column: Column) -> bool {
        let direction = self.inverse.map(|row| row.iter().zip(column.rows).map(|(a, b)| a * b).sum::<f64>());
        let ratios = self.parts.iter().zip(direction).enumerate();
        let leaving = ratios
            .filter(|(_, (_, along))| *along > 1e-12)
            .map(|(at, (part, along))| (at, part / along))
            .min_by(|a, b| a.1.total_cmp(&b.1));
        let Some((leaving, step)) = leaving else { return false };
        let (Some(&pivot), Some(&row)) = (direction.get(leaving), self.inverse.get(leaving)) else { return false };
        let row = row.map(|entry| entry / pivot);
        let rows = self.inverse.iter_mut().zip(&mut self.parts).zip(&mut self.worths).zip(direction).enumerate();
        for (at, (((entries, part), worth), along)) in rows {
            if at == leaving {
                (*entries, *part, *worth) = (row, step, column.worth);
                continue;
            }
            for (entry, scaled) in entries.iter_mut().zip(row) {
                *entry -= along * scaled;
            }
            *part = (*part - along * step).max(0.0);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_duals_are_those_of_the_best_mixture() {
        // Half of what needs twice the first row and half of nothing, until something needs the second row more.
        let mut program = Program::new(0.0);
        assert!(program.enter(Column { rows: [2.0, 1.0, 1.0], worth: 4.0 }));
        assert_eq!(program.duals(), [2.0, 0.0, 0.0]);
        assert!(program.enter(Column { rows: [0.5, 2.0, 1.0], worth: 3.0 }));
        let [rate, cloud, whole] = program.duals();
        // Three columns share two rows: 4 = 2 r + c + w, 3 = r / 2 + 2 c + w, 0 = w.
        assert!((2.0 * rate + cloud + whole - 4.0).abs() < 1e-12, "{rate} {cloud} {whole}");
        assert!((0.5 * rate + 2.0 * cloud + whole - 3.0).abs() < 1e-12, "{rate} {cloud} {whole}");
        assert!(whole.abs() < 1e-12, "{whole}");
        assert!(!program.enter(Column { rows: [0.0; 3], worth: 1.0 }), "nothing limits what needs nothing");
    }
}
