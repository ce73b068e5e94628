//! What is left of a history in the end, for comparing it with that of another: what facts say, what CloudWatch holds, what
//! people and machines were told, what is configured.

use std::collections::{BTreeMap, BTreeSet};

use spend_ledger::outputs::Topic;

use crate::model::amounts::nine_places_of;
use crate::model::facts_file;
use crate::model::forgotten::Alias;
use crate::world::{Happened, World};

/// What is left, one line each.
pub fn end(world: &World) -> BTreeSet<String> {
    let inside = world.inside();
    let (mut end, mut files) = (BTreeSet::new(), BTreeMap::new());
    for happened in &inside.log.happened {
        match happened {
            Happened::Wrote { key, bytes, .. } => drop(files.insert(key, bytes)),
            // Notes to operations may tell of the trouble itself.
            Happened::Sent { message, .. } if message.topic != Topic::Operations => {
                let attribute = |name: &str| message.attributes.get(name).map_or("-", |value| value);
                let (topic, status, id) = (message.topic.as_str(), attribute("status"), attribute("alert_id"));
                end.insert(format!("{topic} is told {status} {id}"));
            }
            _ => {}
        }
    }
    for (key, bytes) in files {
        if key.starts_with("facts/") {
            let (of, sums) = facts_file::read(bytes, &Alias::default());
            end.extend(sums.iter().map(|(sum, cost)| format!("{key} of {}: {sum:?} {cost:?}", of.delivery_id)));
        } else if key == "config/in-force.toml" {
            end.insert(format!("{key} is {bytes:?}"));
        }
    }
    for (place, sum) in inside.cloudwatch.sums("Spend") {
        end.insert(format!("CloudWatch holds {} of {place:?}", nine_places_of(sum)));
    }
    end
}
