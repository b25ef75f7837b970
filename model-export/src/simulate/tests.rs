#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use upnext_core::{Code, EventKind};

use super::affinity::{Moment, Planted, probability};
use super::*;
use crate::label::encounters;
use crate::split::{Side, Split};

const SMALL: Options = Options {
    users: 300,
    videos: 400,
    days: 28,
    seed: 7,
    drifting: 0.0,
};

fn ids(data: &Dataset) -> Vec<(u32, u32, EventKind, i64)> {
    let table = &data.interactions;
    (0..table.len())
        .map(|r| (table.user[r], table.video[r], table.kind[r], table.at_ms[r]))
        .collect()
}

#[test]
fn a_seed_gives_one_world_and_another_seed_another() {
    let (a, b) = (simulate(&SMALL).unwrap().0, simulate(&SMALL).unwrap().0);
    assert_eq!(ids(&a), ids(&b));
    let other = simulate(&Options { seed: 8, ..SMALL }).unwrap().0;
    assert_ne!(ids(&a), ids(&other));
}

#[test]
fn every_column_of_every_table_is_filled_and_unknown_somewhere() {
    let (data, _) = simulate(&SMALL).unwrap();
    let (v, u, i) = (&data.videos, &data.users, &data.interactions);
    let mixed = |name: &str, known: &mut dyn Iterator<Item = bool>| {
        let all: BTreeSet<bool> = known.collect();
        assert_eq!(all.len(), 2, "{name} is never known, or never unknown");
    };
    mixed("title", &mut v.title.iter().map(Option::is_some));
    mixed("tags", &mut (0..v.len()).map(|r| !v.tags.codes(r).is_empty()));
    mixed("video language", &mut (0..v.len()).map(|r| v.language.get(r).is_some()));
    mixed("rating", &mut (0..v.len()).map(|r| v.rating.get(r).is_some()));
    mixed("likes", &mut v.likes.iter().map(Option::is_some));
    mixed("comments", &mut v.comments.iter().map(Option::is_some));
    mixed("views", &mut v.views.iter().map(Option::is_some));
    mixed("regions", &mut (0..v.len()).map(|r| !v.regions.codes(r).is_empty()));
    mixed("age", &mut u.age.iter().map(Option::is_some));
    mixed("gender", &mut (0..u.len()).map(|r| u.gender.get(r).is_some()));
    mixed("latitude", &mut u.latitude.iter().map(Option::is_some));
    mixed("username", &mut u.username.iter().map(Option::is_some));
    mixed("user language", &mut (0..u.len()).map(|r| u.language.get(r).is_some()));
    mixed("time zone", &mut (0..u.len()).map(|r| u.time_zone.get(r).is_some()));
    mixed("value", &mut i.seconds.iter().map(Option::is_some));
    mixed("text", &mut (0..i.len()).map(|r| i.text.get(r).is_some()));
    mixed("place", &mut i.latitude.iter().map(Option::is_some));
    mixed("position", &mut i.position.iter().map(Option::is_some));
    assert!((0..i.len()).all(|r| i.device.get(r).is_some() && i.surface.get(r).is_some()));
    let kinds: BTreeSet<EventKind> = i.kind.iter().copied().collect();
    assert_eq!(kinds.len(), EventKind::ALL.len());
}

#[test]
fn titles_are_in_the_script_of_their_language() {
    let (data, world) = simulate(&SMALL).unwrap();
    let in_range = |text: &str, range: std::ops::RangeInclusive<char>| text.chars().any(|c| range.contains(&c));
    for (row, clip) in world.clips.iter().enumerate() {
        let Some(title) = data.videos.title[row].as_deref() else {
            continue;
        };
        let found = match LANGUAGES[clip.language].tag {
            "ru" => in_range(title, 'а'..='я'),
            "ar" => in_range(title, 'ء'..='ي'),
            "hi" => in_range(title, 'ऀ'..='ॿ'),
            "ko" => in_range(title, '가'..='힣'),
            "el" => in_range(title, 'α'..='ω'),
            "zh-Hans" | "ja" => in_range(title, '一'..='鿿') || in_range(title, 'ぁ'..='ヿ'),
            _ => title.is_ascii() || in_range(title, 'a'..='z'),
        };
        assert!(found, "{title}");
    }
    assert!(world.clips.iter().map(|c| c.language).collect::<BTreeSet<_>>().len() >= 10);
}

#[test]
fn the_planted_moments_show_in_what_was_watched() {
    let (data, world) = simulate(&SMALL).unwrap();
    let split = Split::of(&data).unwrap();
    // Share relevant among impressions of the night topics, at each planted moment.
    let mut counts = [(0_u32, 0_u32); 2];
    for e in encounters(&data, &split).iter().filter(|e| e.outcome.shown) {
        let clip = &world.clips[e.video as usize];
        let context = data.context(e.row as usize);
        let night_topic = ["comedy", "concerts", "games"].contains(&TOPICS[clip.topic]);
        let (Some(local), true) = (context.local_time(), night_topic) else {
            continue;
        };
        let device = match context.device.as_deref() {
            Some("phone") => "phone",
            Some("tv") => "tv",
            _ => continue,
        };
        let moment = Moment {
            hour: local.hour,
            weekday: local.weekday,
            device,
            at_ms: START_MS,
        };
        let slot = match Planted::of(&moment) {
            Some(Planted::NightPhone) => &mut counts[0],
            Some(Planted::SundayTv) => &mut counts[1],
            None => continue,
        };
        slot.0 += 1;
        slot.1 += u32::from(e.label() == Some(true));
    }
    let [night, sunday] = counts.map(|(n, r)| f64::from(r) / f64::from(n));
    assert!(counts[0].0 > 100 && counts[1].0 > 100, "{counts:?}");
    assert!(night > sunday + 0.25, "night {night}, sunday {sunday}");
}

#[test]
fn labels_follow_the_true_chances() {
    let (data, world) = simulate(&SMALL).unwrap();
    let split = Split::of(&data).unwrap();
    let moment = Moment {
        hour: 12.0,
        weekday: 2,
        device: "desktop",
        at_ms: START_MS,
    };
    let (mut scores, mut labels) = (Vec::new(), Vec::new());
    for (e, label) in split.examples(&encounters(&data, &split), Side::Test) {
        scores.push(probability(&world.people[e.user as usize], &world.clips[e.video as usize], &moment) as f32);
        labels.push(label);
    }
    let share = labels.iter().filter(|l| **l).count() as f64 / labels.len() as f64;
    assert!((0.2..0.5).contains(&share), "{share}");
    // Even without the moment the truth ranks well: there is something to learn.
    let auc = upnext_core::metrics::roc_auc(&scores, &labels).unwrap();
    assert!(auc > 0.72, "{auc}");
}

#[test]
fn there_are_cold_users_cold_videos_idle_users_and_a_long_tail() {
    let (data, world) = simulate(&SMALL).unwrap();
    let split = Split::of(&data).unwrap();
    let test = split.rows(&data, Side::Test);
    let table = &data.interactions;
    let users = |range: std::ops::Range<usize>| table.user[range].iter().copied().collect::<BTreeSet<_>>();
    let (past, later) = (users(0..test.start), users(test.clone()));
    assert!(later.difference(&past).count() >= 10);
    assert!(past.union(&later).count() < data.users.len());
    assert!(world.clips.iter().any(|c| c.published_at_ms >= split.train_until_ms));
    for row in 0..table.len() {
        let video = table.video[row] as usize;
        let early = world
            .clips
            .get(video)
            .is_some_and(|c| c.published_at_ms > table.at_ms[row]);
        assert!(!early, "shown before it was published");
    }
    let mut shown = vec![0_u32; data.videos.len()];
    table
        .video
        .iter()
        .filter(|v| **v != crate::table::NONE)
        .for_each(|v| shown[*v as usize] += 1);
    shown.sort_unstable_by(|a, b| b.cmp(a));
    let top: u32 = shown[..shown.len() / 10].iter().sum();
    assert!(f64::from(top) > 0.3 * f64::from(shown.iter().sum::<u32>()));
}

#[test]
fn the_tiniest_world_can_be_split_and_absurd_sizes_are_refused() {
    let tiny = Options {
        users: 40,
        videos: 60,
        days: 28,
        seed: 1,
        drifting: 0.0,
    };
    let (data, _) = simulate(&tiny).unwrap();
    let split = Split::of(&data).unwrap();
    let found = encounters(&data, &split);
    for side in [Side::Train, Side::Test] {
        assert!(split.examples(&found, side).filter(|(_, label)| *label).count() > 20);
    }
    let error = simulate(&Options { days: 2, ..tiny }).unwrap_err();
    assert_eq!(error.code(), Code::ConfigInvalid);
}

#[test]
fn a_share_drifts_within_the_train_window_and_the_rest_of_the_world_stays_as_it_was() {
    let drifting = Options { drifting: 0.3, ..SMALL };
    let ((plain, still), (data, world)) = (simulate(&SMALL).unwrap(), simulate(&drifting).unwrap());
    assert!(still.people.iter().all(|person| person.drift.is_none()));
    let moved = world.people.iter().filter(|person| person.drift.is_some()).count();
    assert!((60..120).contains(&moved), "{moved} of 300");
    let split = Split::of(&data).unwrap();
    // Whoever does not drift lives the same days.
    let of = |data: &Dataset| {
        let rows = ids(data).into_iter();
        rows.filter(|(user, ..)| world.people[*user as usize].drift.is_none())
            .collect::<Vec<_>>()
    };
    assert_eq!(of(&plain), of(&data));
    let (mut old, mut new, mut count) = (0.0, 0.0, 0);
    for e in encounters(&data, &split) {
        let Some(drift) = world.people[e.user as usize].drift else {
            continue;
        };
        assert!((START_MS + 14 * DAY_MS..split.train_until_ms).contains(&drift.from_ms));
        if e.at_ms >= drift.from_ms && e.label() == Some(true) {
            let topic = world.clips[e.video as usize].topic;
            old += world.people[e.user as usize].topics[topic];
            new += drift.topics[topic];
            count += 1;
        }
    }
    assert!(
        count > 300 && new > 1.5 * old,
        "{new} of the new taste, {old} of the old one, {count} videos"
    );
}

#[test]
fn a_data_set_says_what_world_it_is_of() {
    let options = Options { drifting: 0.5, ..SMALL };
    let (data, lived) = simulate(&options).unwrap();
    let told = world(&data.meta.world.unwrap()).unwrap();
    let truth = |world: &World| -> Vec<_> {
        let people = world.people.iter();
        people.map(|p| (p.topics, p.drift, p.language, p.first_day)).collect()
    };
    assert_eq!(truth(&told), truth(&lived));
    assert_eq!(told.clips.len(), lived.clips.len());
    let error = simulate(&Options { drifting: 1.5, ..SMALL });
    assert_eq!(error.unwrap_err().code(), Code::ConfigInvalid);
}
