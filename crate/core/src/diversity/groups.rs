//! Which groups each candidate belongs to: its channel, its tags.

/// For each candidate its groups, as numbers from 0.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    ends: Vec<usize>,
    ids: Vec<u32>,
    count: usize,
}

impl Groups {
    /// No candidates yet, of `count` groups.
    #[must_use]
    pub fn new(count: usize) -> Groups {
        Groups {
            count,
            ..Groups::default()
        }
    }

    /// Appends a candidate; groups that come twice count once, numbers from `count` on are left out.
    pub fn push(&mut self, groups: impl IntoIterator<Item = u32>) {
        let start = self.ids.len();
        for group in groups {
            if (group as usize) < self.count && !self.ids[start..].contains(&group) {
                self.ids.push(group);
            }
        }
        self.ends.push(self.ids.len());
    }

    /// Groups of a candidate; none for one outside.
    #[must_use]
    pub fn of(&self, candidate: usize) -> &[u32] {
        let Some(end) = self.ends.get(candidate) else {
            return &[];
        };
        let start = candidate.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.ids[start..*end]
    }

    /// Number of groups.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }
}
