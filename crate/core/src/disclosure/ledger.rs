//! What a device has told and spent.

use super::week::{LAST_WEEK, latest_over, truth, week_of};
use super::{METRICS, Metric, Report, Terms};
use crate::history::History;
use crate::tree::{FromTree as _, ToJson, Tree, member, record};
use crate::{Error, ErrorKind};

/// Version of the stored form.
pub const LEDGER_VERSION: u32 = 1;
/// Random numbers that [`Ledger::tell`] takes: one for each metric.
pub const RANDOM_WORDS: usize = METRICS;
/// Most metrics of any release, earlier or later.
const MOST_METRICS: usize = 64;
/// Turns that a ledger can have, a multiple of [`Terms::every`].
const TURNS: u32 = 256;

/// The account of one device: what it spent, and its latest answer.
///
/// Whoever keeps it stores the ledger *before* the report leaves. Then no crash, restart or second tab makes a device answer
/// twice, and a ledger that is lost on the way was of an answer that nobody got. One that cannot be read is no new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    version: u32,
    /// The first week that may be told of.
    first_week: u32,
    /// Weeks whose number leaves this rest are told of.
    turn: u32,
    /// Thousandths of ε by metric; one that is not listed has spent nothing.
    spent: Vec<u32>,
    /// The week that was told of last.
    told: Option<u32>,
    /// Form of the answers.
    form: u32,
    /// The bundle that was loaded then.
    bundle: String,
    /// What was told of that week, by metric; empty once it was forgotten.
    answers: Vec<u32>,
}

record!(json Ledger {
    version,
    first_week as "firstWeek",
    turn,
    spent,
    told,
    form = 0_u32 => silent,
    bundle = String::new() => silent,
    answers = Vec::<u32>::new() => silent,
});

/// What a metric has spent, and what the budget leaves, in ε.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// The metric.
    pub metric: Metric,
    /// ε of all answers together.
    pub spent: f32,
    /// ε that may still be spent.
    pub left: f32,
}

impl ToJson for Standing {
    fn write(&self, json: &mut String) {
        json.push('{');
        member(json, "metric", &self.metric.as_str());
        member(json, "spent", &self.spent);
        member(json, "left", &self.left);
        json.push('}');
    }
}

impl Ledger {
    /// The ledger of a device whose viewer allows metrics now. The week in which that is said is not told of, nor is any before.
    /// `random` draws which weeks are: 32 bits that nobody can guess.
    #[must_use]
    pub fn new(now_ms: i64, random: u32) -> Ledger {
        Ledger {
            version: LEDGER_VERSION,
            first_week: week_of(now_ms).saturating_add(1),
            turn: random % TURNS,
            spent: vec![0; METRICS],
            told: None,
            form: 0,
            bundle: String::new(),
            answers: Vec::new(),
        }
    }

    /// Reads a stored ledger.
    ///
    /// # Errors
    /// [`ErrorKind::ProfileInvalid`] for anything but a ledger of this version: nothing may be told by it, and it
    /// must not be replaced by a new one.
    pub fn parse(bytes: &[u8]) -> Result<Ledger, Error> {
        let tree = Tree::kept("ledger", bytes, LEDGER_VERSION)?;
        let ledger = Ledger::from_tree(tree).map_err(|misfit| invalid(misfit.to_string()))?;
        let latest = ledger.first_week.max(ledger.told.unwrap_or(0));
        if latest > LAST_WEEK + 1 || ledger.spent.len() > MOST_METRICS {
            return Err(invalid("a week or the number of metrics is outside its range".into()));
        }
        Ok(ledger)
    }

    /// The stored form; [`Ledger::parse`] of it is equal to `self`.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.json()
    }

    /// What is told of the latest week of this device's turn that is over. The first call about a week draws the
    /// answers and spends their ε; each further one gives the same answers, whatever the viewer did since. `None` where no
    /// week is due, where the budget does not hold another answer, and where the answer was forgotten.
    ///
    /// `random` are numbers that nobody can guess, new ones at each call.
    ///
    /// ```
    /// use upnext_core::disclosure::week::WEEK_MS;
    /// use upnext_core::disclosure::{Ledger, Terms};
    /// use upnext_core::history::History;
    ///
    /// let mut ledger = Ledger::new(0, 0);
    /// let (history, bundle) = (History::default(), "ab".repeat(32));
    /// let mut told = |weeks: i64| ledger.tell(&Terms::CURRENT, &history, &bundle, weeks * WEEK_MS, [u32::MAX; 4]);
    /// assert_eq!(told(1), None);
    /// let report = told(6).unwrap();
    /// assert_eq!((report.week, report.answers()), (4, [0, 0, 0, 0]));
    /// assert_eq!(told(7), Some(report));
    /// ```
    pub fn tell(
        &mut self,
        terms: &Terms,
        history: &History,
        bundle_id: &str,
        now_ms: i64,
        random: [u32; RANDOM_WORDS],
    ) -> Option<Report> {
        let week = self.due(terms, now_ms)?;
        match self.told {
            Some(told) if told == week => return self.report(),
            // The clock was set back: that week had its chance.
            Some(told) if told > week => return None,
            _ => {}
        }
        let affordable = |place| terms.answer_millis <= self.left(terms, place);
        if !(0..METRICS).all(affordable) {
            return None;
        }
        let truths = truth(history, week);
        self.answers.clear();
        for (place, metric) in Metric::ALL.iter().enumerate() {
            self.spend(place, terms.answer_millis);
            let answer = terms.response(*metric).answer(truths[place], random[place]);
            self.answers.push(answer);
        }
        self.told = Some(week);
        self.form = terms.form;
        self.bundle = bundle_id.to_owned();
        self.report()
    }

    /// Forgets what was told. What was spent stays spent, and the week answered: the viewer's wipe must not be what
    /// makes a device answer again.
    pub fn forget(&mut self) {
        self.form = 0;
        self.bundle.clear();
        self.answers.clear();
    }

    /// What was told last, as it left or will leave.
    #[must_use]
    pub fn report(&self) -> Option<Report> {
        let [clicked, completed, watched, feedback] = self.answers[..] else {
            return None;
        };
        Some(Report {
            form: self.form,
            week: self.told?,
            bundle: self.bundle.clone(),
            clicked,
            completed,
            watched,
            feedback,
        })
    }

    /// What each metric has spent under these terms, and what is left.
    #[must_use]
    pub fn standing(&self, terms: &Terms) -> [Standing; METRICS] {
        Metric::ALL.map(|metric| Standing {
            metric,
            spent: self.spent(metric as usize) as f32 / 1000.0,
            left: self.left(terms, metric as usize) as f32 / 1000.0,
        })
    }

    /// [`Ledger::standing`] and [`Ledger::report`] as JSON, for the viewer to look at: `{"metrics": [...], "last": {...}}`.
    #[must_use]
    pub fn disclosed(&self, terms: &Terms) -> String {
        let mut json = "{".to_owned();
        member(&mut json, "metrics", &self.standing(terms).to_vec());
        member(&mut json, "last", &self.report());
        json.push('}');
        json
    }

    /// The latest week of this turn that is over, if it may be told of.
    fn due(&self, terms: &Terms, now_ms: i64) -> Option<u32> {
        let (latest, every) = (latest_over(now_ms)?, terms.every.max(1));
        // How many weeks ago this device's turn was.
        let ago = (latest + every - self.turn % every) % every;
        latest.checked_sub(ago).filter(|week| *week >= self.first_week)
    }

    fn spent(&self, place: usize) -> u32 {
        self.spent.get(place).copied().unwrap_or(0)
    }

    fn left(&self, terms: &Terms, place: usize) -> u32 {
        terms.budget_millis.saturating_sub(self.spent(place))
    }

    fn spend(&mut self, place: usize, millis: u32) {
        if self.spent.len() <= place {
            self.spent.resize(place + 1, 0);
        }
        self.spent[place] = self.spent[place].saturating_add(millis);
    }
}

fn invalid(reason: String) -> Error {
    Error::from(ErrorKind::ProfileInvalid { what: "ledger", reason })
}
