//! Raw frames carry no size; the configuration has the cameras'.

use serde_json::Value;

/// Every width and height that the configuration names.
#[derive(Debug, Default)]
pub(super) struct Sizes(Vec<(usize, usize)>);

impl Sizes {
    pub(super) fn of(configuration: &Value) -> Self {
        let mut sizes = Self::default();
        sizes.look(configuration);
        sizes
    }

    fn look(&mut self, value: &Value) {
        let number = |name| value.get(name).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
        if let Some(size) = number("width").zip(number("height"))
            && !self.0.contains(&size)
        {
            self.0.push(size);
        }
        match value {
            Value::Object(fields) => fields.values().for_each(|value| self.look(value)),
            Value::Array(values) => values.iter().for_each(|value| self.look(value)),
            _ => {}
        }
    }

    /// The size whose packed RGB frame has so many bytes.
    pub(super) fn fitting(&self, bytes: usize) -> Option<(usize, usize)> {
        self.0
            .iter()
            .copied()
            .find(|(width, height)| width.checked_mul(*height).and_then(|pixels| pixels.checked_mul(3)) == Some(bytes))
    }
}
