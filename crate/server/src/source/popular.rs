//! Popular now: what most accounts found relevant of late, in the declared languages.

use upnext_core::block::source::POPULAR;

use super::{Ask, Candidate, by_place};
use crate::pulse::Pulse;

/// Videos by falling weight of late ([`Pulse`]).
#[must_use]
pub fn candidates(ask: &Ask<'_>, pulse: &Pulse) -> Vec<Candidate> {
    let speaks = ask.speaks();
    let rows: Vec<u32> = pulse
        .popular(ask.now_ms)
        .iter()
        .filter_map(|id| ask.stock.row_of(id))
        .filter(|row| ask.allowed.contains(*row) && speaks(*row))
        .map(|row| row as u32)
        .take(ask.size)
        .collect();
    by_place(&rows, POPULAR)
}
