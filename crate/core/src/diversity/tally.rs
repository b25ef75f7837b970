//! Caps and decay: at most so many of a channel or tag in a slate, and each further one weighs less.

use super::Groups;

/// Which cap a candidate is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cap {
    /// Its channel's.
    Channel,
    /// That of one of its tags.
    Tag,
}

/// How often a channel and a tag may come in a slate.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Limits {
    /// Most of one channel; `None`: any number.
    pub per_channel: Option<usize>,
    /// Most of one tag; `None`: any number.
    pub per_tag: Option<usize>,
    /// What each further one of a group loses of its relevance, 0..=1: the n-th, from 0, weighs `(1 − decay)ⁿ`.
    pub decay: f32,
}

/// What stands in the slate so far, by groups. The default has no groups and limits nothing.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    limits: Limits,
    channels: Counts,
    tags: Counts,
    /// Cap for which a candidate was passed over.
    passed: Vec<Option<Cap>>,
}

#[derive(Debug, Clone, Default)]
struct Counts {
    groups: Groups,
    counts: Vec<usize>,
}

impl Counts {
    fn new(groups: Groups) -> Counts {
        let counts = vec![0; groups.count()];
        Counts { groups, counts }
    }

    /// Of the candidate's groups the one with the most in the slate; 0 for a candidate without groups.
    fn most(&self, candidate: usize) -> usize {
        let counts = self
            .groups
            .of(candidate)
            .iter()
            .map(|group| self.counts[*group as usize]);
        counts.max().unwrap_or(0)
    }

    fn over(&self, candidate: usize, limit: Option<usize>) -> bool {
        // A candidate without groups is over no cap, not even one of 0.
        limit.is_some_and(|limit| !self.groups.of(candidate).is_empty() && self.most(candidate) >= limit)
    }

    fn change(&mut self, candidate: usize, by: isize) {
        for group in self.groups.of(candidate) {
            let count = &mut self.counts[*group as usize];
            *count = count.saturating_add_signed(by);
        }
    }
}

impl Tally {
    /// An empty slate of candidates with these channels and tags.
    #[must_use]
    pub fn new(limits: Limits, candidates: usize, channels: Groups, tags: Groups) -> Tally {
        Tally {
            limits,
            channels: Counts::new(channels),
            tags: Counts::new(tags),
            passed: vec![None; candidates],
        }
    }

    /// What the candidate's relevance counts, 0..=1, by its most frequent group.
    #[inline(always)]
    #[must_use]
    pub fn weight(&self, candidate: usize) -> f32 {
        match self.limits.decay > 0.0 {
            true => self.decayed(candidate),
            false => 1.0,
        }
    }

    fn decayed(&self, candidate: usize) -> f32 {
        let more = self.channels.most(candidate).max(self.tags.most(candidate));
        let keep = f64::from(1.0 - self.limits.decay.min(1.0));
        (0..more).fold(1.0_f64, |weight, _| weight * keep) as f32
    }

    /// The cap that one more of the candidate's groups would break.
    #[must_use]
    pub fn full(&self, candidate: usize) -> Option<Cap> {
        if self.channels.over(candidate, self.limits.per_channel) {
            Some(Cap::Channel)
        } else if self.tags.over(candidate, self.limits.per_tag) {
            Some(Cap::Tag)
        } else {
            None
        }
    }

    /// The candidate enters the slate.
    pub fn add(&mut self, candidate: usize) {
        self.channels.change(candidate, 1);
        self.tags.change(candidate, 1);
    }

    /// The candidate leaves the slate.
    pub fn remove(&mut self, candidate: usize) {
        self.channels.change(candidate, -1);
        self.tags.change(candidate, -1);
    }

    /// Whether the candidates' weights change with the slate.
    pub(super) fn decays(&self) -> bool {
        self.limits.decay > 0.0
    }

    /// Whether there is a cap.
    pub(super) fn caps(&self) -> bool {
        self.limits.per_channel.is_some() || self.limits.per_tag.is_some()
    }

    /// Notes which of `open` would have had the place but for a cap; `best` is the one that has it and its value.
    pub(super) fn pass_over(&mut self, open: &[usize], values: &[f32], best: Option<(usize, f32)>) {
        if !self.caps() {
            return;
        }
        for i in open {
            let better = best.is_none_or(|(at, value)| values[*i] > value || (values[*i] == value && *i < at));
            if better && let Some(cap) = self.full(*i) {
                self.passed[*i] = Some(cap);
            }
        }
    }

    /// The cap for which the candidate lost a place that it would have had.
    #[must_use]
    pub fn passed_over(&self, candidate: usize) -> Option<Cap> {
        self.passed.get(candidate).copied().flatten()
    }
}
