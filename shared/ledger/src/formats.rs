//! Every format that is stored or sent, in one list: what a check of all of them goes through.

use crate::alert::event::{AlertEvent, SummaryEvent, TestEvent};
use crate::alert::state::AlertState;
use crate::chargeback::about::About;
use crate::digest::event::DigestEvent;
use crate::digest::page::numbers::PageNumbers;
use crate::digest::state::DigestState;
use crate::forgotten::Forgotten;
use crate::metrics::gauges::shown::PutGauges;
use crate::metrics::health::PutHealth;
use crate::metrics::series::Members;
use crate::metrics::told::Told;
use crate::outputs::operations::{OperationsState, StoredNote};
use crate::outputs::subscriptions::SubscriptionsState;
use crate::state::backfill::Backfill;
use crate::state::claim::Claim;
use crate::state::delivery::{ReadyDelivery, SealedDelivery, SeenManifest};
use crate::state::document::Document;
use crate::state::history::HistoryEntry;
use crate::state::objects::Kind;
use crate::state::period::PeriodState;
use crate::state::reduction::StoredReduction;
use crate::state::tabular::Tabular;

/// What is done with each format. Many of the types are nobody else's business, so that they come without a name.
pub trait Formats {
    /// Does it with the documents of type `D`.
    fn format<D: Document>(&mut self);

    /// Does it with the documents of type `D`, which have a table.
    fn tabular<D: Tabular>(&mut self);
}

/// Goes through every format of this package.
pub fn each(formats: &mut impl Formats) {
    formats.tabular::<StoredReduction>();
    formats.format::<SealedDelivery>();
    formats.format::<ReadyDelivery>();
    formats.format::<SeenManifest>();
    formats.format::<Claim>();
    formats.format::<HistoryEntry>();
    formats.tabular::<PeriodState>();
    formats.format::<Told>();
    formats.format::<Members>();
    formats.format::<PutHealth>();
    formats.format::<PutGauges>();
    formats.format::<AlertState>();
    formats.format::<Backfill>();
    formats.format::<DigestState>();
    formats.format::<StoredNote>();
    formats.format::<OperationsState>();
    formats.format::<SubscriptionsState>();
    formats.format::<Forgotten>();
    formats.format::<PageNumbers>();
    formats.format::<About>();
    formats.format::<AlertEvent>();
    formats.format::<SummaryEvent>();
    formats.format::<TestEvent>();
    formats.format::<DigestEvent>();
}

/// The name of the format of an object's documents; of what is no document of ours there is none.
pub fn name(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Reduction => StoredReduction::FORMAT,
        Kind::Sealed => SealedDelivery::FORMAT,
        Kind::Ready => ReadyDelivery::FORMAT,
        Kind::SeenManifest => SeenManifest::FORMAT,
        Kind::Claim => Claim::FORMAT,
        Kind::History => HistoryEntry::FORMAT,
        Kind::State => PeriodState::FORMAT,
        Kind::Told => Told::FORMAT,
        Kind::Series => Members::FORMAT,
        Kind::Health => PutHealth::FORMAT,
        Kind::Gauges => PutGauges::FORMAT,
        Kind::Alerts => AlertState::FORMAT,
        Kind::Digests => DigestState::FORMAT,
        Kind::Note => StoredNote::FORMAT,
        Kind::Operations => OperationsState::FORMAT,
        Kind::Subscriptions => SubscriptionsState::FORMAT,
        Kind::Backfill => Backfill::FORMAT,
        Kind::SweptDeliveries => "swept",
        Kind::SweptReady => "swept-ready",
        Kind::PageNumbers => PageNumbers::FORMAT,
        Kind::Chargeback => About::FORMAT,
        Kind::Forgotten => Forgotten::FORMAT,
        Kind::Facts | Kind::Report | Kind::Configuration | Kind::InForce | Kind::Metering => return None,
    })
}
