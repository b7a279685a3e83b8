//! What the other threads are told of an allocation, and of a menu.

use std::sync::{Arc, PoisonError};

use allocation::allocation::Allocation;
use allocation::problem::ServiceProblem;
use inference::classes::{ClassMap, map_classes, normalise};
use transport::wire::menu::CloudMenu;

use super::Allocator;
use super::problem::Problem;
use crate::car::messages::{Assignment, Sending};

impl Allocator {
    pub(super) fn publish(&mut self, problem: &Problem, allocation: &Allocation, cloud: &CloudMenu, connected: bool) {
        let sending = |index: usize| -> Option<Sending> {
            let entry_index = *problem.active.get(index)?;
            let entry = self.plan.entries.get(entry_index)?;
            let offered = cloud.models.iter().find(|model| model.name == entry.choice.config().model)?;
            Some(Sending {
                entry: entry_index,
                config: entry.name,
                model: entry.model,
                payload: entry.choice.config().payload,
                input: (u32::from(offered.input_width), u32::from(offered.input_height)),
            })
        };
        let cheapest = |service: &ServiceProblem| {
            let bits =
                |index: &usize| service.menu.get(*index).map_or(f64::INFINITY, |choice| choice.costs().mean_bits);
            (0..service.menu.choices().len()).min_by(|a, b| bits(a).total_cmp(&bits(b)))
        };
        let probes = problem.policy.habits().probes;
        let assignments: heapless::Vec<Assignment, 32> = problem
            .services
            .iter()
            .zip(allocation.services())
            .map(|(service, given)| Assignment {
                sending: given.choice.and_then(sending),
                probe: cheapest(service).and_then(sending).filter(|_| probes),
                connected,
            })
            .collect();
        for ((client, assignment), given) in self.clients.iter_mut().zip(assignments).zip(allocation.services()) {
            client.share.put(given.rate_bps);
            client.encoder.0.put(assignment);
            client.encoder.1.ring();
        }
    }

    /// Grows the vocabulary by the cloud's classes and tells every service how to translate.
    pub(super) fn learn_classes(&mut self, cloud: &CloudMenu) {
        let mut vocabulary = self.vocabulary.lock().unwrap_or_else(PoisonError::into_inner);
        for class in cloud.models.iter().flat_map(|model| &model.classes) {
            let known = vocabulary.iter().any(|name| normalise(name) == normalise(class));
            if !known && vocabulary.len() < usize::from(u8::MAX) {
                vocabulary.push(class.clone());
            }
        }
        let map_of = |name: &String| {
            let offered = cloud.models.iter().find(|model| &model.name == name);
            offered.map_or([None; 256], |model| map_classes(&model.classes, &vocabulary))
        };
        let maps: Arc<Vec<ClassMap>> = Arc::new(self.plan.models.iter().map(map_of).collect());
        for client in &mut self.clients {
            client.class_maps.put(Arc::clone(&maps));
        }
    }
}
