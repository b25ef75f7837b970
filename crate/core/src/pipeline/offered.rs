//! What was offered of late, so that an impression can be recorded with what the ranker had expected of it.

use super::Slate;

/// Most videos that are remembered: those of the latest slates.
const MAX_OFFERED: usize = 400;

/// The ranker's logits of the videos of the latest slates, of one bundle. Not stored: what was shown before a page was
/// left is no evidence.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Offered {
    logits: Vec<(String, f32)>,
}

impl Offered {
    /// Remembers the videos of a slate; a video that is known has its latest logit.
    pub fn remember(&mut self, slate: &Slate) {
        self.logits
            .retain(|(id, _)| slate.items.iter().all(|item| item.id != *id));
        self.logits
            .extend(slate.items.iter().map(|item| (item.id.clone(), item.frozen)));
        let surplus = self.logits.len().saturating_sub(MAX_OFFERED);
        self.logits.drain(..surplus);
    }

    /// What the ranker expected of a video when it offered it last.
    #[must_use]
    pub fn expected(&self, video: Option<&str>) -> Option<f32> {
        let (_, logit) = self.logits.iter().find(|(id, _)| Some(id.as_str()) == video)?;
        Some(*logit)
    }
}
