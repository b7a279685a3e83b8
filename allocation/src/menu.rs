//! What one service may choose from.

use crate::choice::Choice;
use crate::model_config::ModelConfig;

/// The cloud configurations open to one service, each at most once. Positions are stable: an allocation names a
/// choice by its index here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Menu {
    choices: Vec<Choice>,
}

/// Why choices do not make a menu.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MenuError {
    /// No choice at all; a service without a cloud has [`Menu::on_vehicle_only`] instead.
    #[error("the menu is empty; expected at least one cloud configuration")]
    Empty,
    /// One configuration twice.
    #[error("{config} stands in the menu twice, at positions {first} and {second}; expected each configuration once")]
    Duplicate {
        /// The configuration.
        config: ModelConfig,
        /// Its first index.
        first: usize,
        /// Its second index.
        second: usize,
    },
}

impl Menu {
    /// A menu of at least one choice, in the given order.
    ///
    /// # Errors
    /// [`MenuError`] where there is none or a configuration is named twice.
    pub fn new(choices: Vec<Choice>) -> Result<Self, MenuError> {
        if choices.is_empty() {
            return Err(MenuError::Empty);
        }
        for (second, choice) in choices.iter().enumerate() {
            if let Some(first) = choices.iter().take(second).position(|other| other.config() == choice.config()) {
                return Err(MenuError::Duplicate { config: choice.config().clone(), first, second });
            }
        }
        Ok(Self { choices })
    }

    /// The menu of a service that has no cloud.
    #[must_use]
    pub fn on_vehicle_only() -> Self {
        Self::default()
    }

    /// The choices, in order.
    #[must_use]
    pub fn choices(&self) -> &[Choice] {
        &self.choices
    }

    /// The choice at `index`, for [`Choice::set_costs`].
    #[must_use]
    pub fn choice_mut(&mut self, index: usize) -> Option<&mut Choice> {
        self.choices.get_mut(index)
    }

    /// The choice at `index`.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&Choice> {
        self.choices.get(index)
    }

    /// Where the choice with the smallest mean payload stands, which asks the least of a link.
    #[must_use]
    pub fn cheapest(&self) -> Option<usize> {
        let bits = |choice: &Choice| choice.costs().mean_bits;
        let cheapest = self.choices.iter().enumerate().min_by(|(_, a), (_, b)| bits(a).total_cmp(&bits(b)));
        cheapest.map(|(index, _)| index)
    }

    /// Where `config` stands.
    #[must_use]
    pub fn position(&self, config: &ModelConfig) -> Option<usize> {
        self.choices.iter().position(|choice| choice.config() == config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::Costs;

    fn choice(config: &str) -> Choice {
        let costs = Costs { payload_bits: 1e6, mean_bits: 9e5, encode_s: 0.0, execution_s: 0.05 };
        Choice::new(config.parse().unwrap(), costs, 0.5).unwrap()
    }

    #[test]
    fn a_menu_is_not_empty_and_names_each_configuration_once() {
        assert_eq!(Menu::new(vec![]), Err(MenuError::Empty));
        let (a, b) = (choice("a-imgcomp50-inpcompNone"), choice("a-imgcompNone-inpcomp50"));
        let error = Menu::new(vec![a.clone(), b.clone(), a.clone()]).unwrap_err().to_string();
        assert!(error.contains("a-imgcomp50-inpcompNone") && error.contains("positions 0 and 2"), "{error}");
        let menu = Menu::new(vec![a, b.clone()]).unwrap();
        assert_eq!(menu.position(b.config()), Some(1));
        assert_eq!(menu.get(2), None);
    }
}
