//! Days in a row that are unlike their past: which episode a day belongs to.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};
use spend_core::calendar::window::{Window, WindowKind};
use spend_core::rules::finding::Measurement;
use spend_core::rules::rule::Kind;

use crate::alert::crossing::{Crossing, EPISODE_GAP, Told};
use crate::alert::state::AlertState;

/// Whose days they are: of a rule and kind, a member and a currency.
type Whose = (String, Kind, Option<String>, String);

/// The episodes that are known and told of, or muted: looked up for every day that is unlike its past.
pub(super) struct Episodes(BTreeMap<Whose, Vec<(NaiveDate, NaiveDate, Window)>>);

impl Episodes {
    pub(super) fn of(state: &AlertState) -> Self {
        let mut episodes = Self(BTreeMap::new());
        for crossing in state.crossings.values() {
            episodes.add(crossing);
        }
        episodes
    }

    /// Adds what was found, or more days of it.
    pub(super) fn add(&mut self, crossing: &Crossing) {
        let is_episode = crossing.window.kind() == WindowKind::Day && crossing.is_crossed;
        if is_episode && crossing.told != Told::Nobody {
            let Crossing { rule, kind, member, currency, window, .. } = crossing;
            let whose = (rule.clone(), *kind, member.clone(), currency.clone());
            let days = (window.first_day(), crossing.last_day(), *window);
            self.0.entry(whose).or_default().push(days);
        }
    }

    /// The window of a measurement; of a day that belongs to an episode that was told of, that one's.
    pub(super) fn window(&self, measured: &Measurement) -> Window {
        let Some(day) = measured.day.filter(|_| measured.window.kind() == WindowKind::Day) else {
            return measured.window;
        };
        let whose = (measured.rule.clone(), measured.kind(), measured.member.clone(), measured.currency.clone());
        let known = self.0.get(&whose).into_iter().flatten();
        let near = known.filter_map(|(first, last, window)| {
            let distance = (*first - day).max(day - *last).max(TimeDelta::zero());
            (distance <= EPISODE_GAP).then_some((distance, *window))
        });
        near.min().map_or(measured.window, |(_, window)| window)
    }
}
