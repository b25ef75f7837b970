#![allow(clippy::unwrap_used)]

use std::fs;

use tempfile::TempDir;
use upnext_core::Code;

use super::*;
use crate::label::encounters;
use crate::split::Split;
use crate::table::Dataset;

fn dir(files: &[(&str, &[u8])]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (name, bytes) in files {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    dir
}

/// 1 January 1995, UTC.
const YEAR_1995: i64 = 788_918_400_000;

fn kinds(data: &Dataset) -> Vec<(u32, EventKind)> {
    data.interactions
        .video
        .iter()
        .copied()
        .zip(data.interactions.kind.iter().copied())
        .collect()
}

#[test]
fn latest_reads_titles_genres_ratings_and_tags() {
    let dir = dir(&[
        (
            "movies.csv",
            "movieId,title,genres\n1,Toy Story (1995),Adventure|Animation\n2,\"Net, The\",(no genres listed)\n"
                .as_bytes(),
        ),
        (
            "ratings.csv",
            b"userId,movieId,rating,timestamp\n7,1,4.0,100\n7,2,3.5,101\n8,2,0.5,102\n",
        ),
        ("tags.csv", b"userId,movieId,tag,timestamp\n8,1,\"so, funny\",99\n"),
    ]);
    let data = import(dir.path(), None).unwrap().data;
    use EventKind::{Comment, Dislike, Impression, Like};
    assert_eq!(
        kinds(&data),
        [
            (0, Comment),
            (0, Impression),
            (0, Like),
            (1, Impression),
            (1, Impression),
            (1, Dislike)
        ]
    );
    assert_eq!(data.interactions.at_ms[0], 99_000);
    assert_eq!(data.interactions.text.get(0), Some("so, funny"));
    assert_eq!(
        (data.videos.title[0].as_deref(), data.videos.published_at_ms[0]),
        (Some("Toy Story"), Some(YEAR_1995))
    );
    assert_eq!(
        (data.videos.title[1].as_deref(), data.videos.published_at_ms[1]),
        (Some("Net, The"), None)
    );
    assert_eq!(data.videos.tags.get(0).collect::<Vec<_>>(), ["Adventure", "Animation"]);
    assert!(data.videos.tags.codes(1).is_empty());
    assert_eq!(
        (data.users.len(), data.users.age[0], data.videos.length_seconds[0]),
        (2, None, None)
    );
    let split = Split {
        factors_until_ms: 0,
        train_until_ms: 1,
    };
    let labels: Vec<_> = encounters(&data, &split)
        .iter()
        .filter(|e| e.outcome.shown)
        .map(|e| e.label())
        .collect();
    assert_eq!(labels, [Some(true), Some(false), Some(false)]);
}

#[test]
fn hundred_k_reads_ages_genders_release_days_and_latin_1() {
    let mut item = b"1|Mis\xe9rables, Les (1995)|20-Oct-1995||http://x|0|1|0".to_vec();
    item.extend(b"|0|0|0|0|0|1".iter().chain(b"|0|0|0|0|0|0|0|0|0|0\n"));
    let dir = dir(&[
        ("u.item", &item),
        ("u.user", b"5|24|F|technician|85711\n"),
        ("u.data", b"5\t1\t5\t881250949\n"),
    ]);
    let data = import(dir.path(), None).unwrap().data;
    assert_eq!(data.videos.title[0].as_deref(), Some("Misérables, Les"));
    assert_eq!(data.videos.tags.get(0).collect::<Vec<_>>(), ["Action", "Drama"]);
    assert_eq!(data.videos.published_at_ms[0], Some(814_147_200_000));
    assert_eq!((data.users.age[0], data.users.gender.get(0)), (Some(24.0), Some("F")));
    assert_eq!(data.interactions.len(), 2);
}

#[test]
fn one_m_reads_double_colons_and_age_codes() {
    let dir = dir(&[
        ("movies.dat", b"1::Toy Story (1995)::Animation|Comedy\n".as_slice()),
        ("users.dat", b"1::F::1::10::48067\n2::M::56::16::70072\n"),
        ("ratings.dat", b"1::1::3::978300760\n2::1::2::978300761\n"),
    ]);
    let data = import(dir.path(), None).unwrap().data;
    assert_eq!(data.users.age, [Some(1.0), Some(56.0)]);
    assert_eq!(
        kinds(&data),
        [
            (0, EventKind::Impression),
            (0, EventKind::Impression),
            (0, EventKind::Dislike)
        ]
    );
}

#[test]
fn what_cannot_be_read_is_said_with_file_and_line() {
    let broken = dir(&[
        ("movies.csv", b"movieId,title,genres\n1,x,y\n".as_slice()),
        (
            "ratings.csv",
            b"userId,movieId,rating,timestamp\n7,1,4.0,100\n7,9,4.0,100\n",
        ),
    ]);
    let error = import(broken.path(), None).unwrap_err();
    assert_eq!(error.code(), Code::FileUnreadable);
    assert!(error.to_string().contains("ratings.csv: line 3: film 9"), "{error}");
    assert_eq!(
        import(TempDir::new().unwrap().path(), None).unwrap_err().code(),
        Code::FileUnreadable
    );
}

#[test]
fn the_real_latest_small_has_the_figures_of_its_source_note() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/movielens-latest-small");
    if !dir.is_dir() {
        println!("skipped: no movielens-latest-small beside the checkout");
        return;
    }
    let data = import(&dir, None).unwrap().data;
    let count = |kind| data.interactions.kind.iter().filter(|k| **k == kind).count();
    assert_eq!((data.videos.len(), data.users.len()), (9_742, 610));
    assert_eq!(
        (count(EventKind::Impression), count(EventKind::Comment)),
        (100_836, 3_683)
    );
    assert!(Split::of(&data).is_ok());
}

#[test]
fn films_are_joined_to_imdb_by_their_id() {
    let log = dir(&[
        (
            "movies.csv",
            b"movieId,title,genres\n1,Toy Story (1995),Animation\n2,Heat (1995),Crime\n3,Unheard (1999),Drama\n"
                .as_slice(),
        ),
        (
            "links.csv",
            b"movieId,imdbId,tmdbId\n1,0114709,862\n2,0113277,949\n3,0000009,1\n",
        ),
        (
            "ratings.csv",
            b"userId,movieId,rating,timestamp\n7,1,4.0,100\n7,2,3.5,101\n8,3,0.5,102\n8,2,4.5,103\n",
        ),
    ]);
    let metadata = "title,movie_imdb_link,language,content_rating,plot_keywords,duration\n\
                    Toy Story,http://www.imdb.com/title/tt0114709/?ref_=1,English,G,toy|rescue,81\n\
                    Heat,http://www.imdb.com/title/tt0113277/?ref_=1,Aboriginal,Unrated,,\n\
                    Toy Story,http://www.imdb.com/title/tt0114709/?ref_=2,French,R,again,90\n";
    let imdb = dir(&[("movie_metadata.csv", metadata.as_bytes())]);
    let imported = import(log.path(), Some(imdb.path())).unwrap();
    let videos = &imported.data.videos;
    let of = |row: usize| {
        (
            videos.language.get(row),
            videos.rating.get(row),
            videos.length_seconds[row],
        )
    };
    assert_eq!(of(0), (Some("en"), Some("G"), Some(4860.0)));
    assert_eq!((of(1), of(2)), ((None, None, None), (None, None, None)));
    assert_eq!(videos.tags.get(0).collect::<Vec<_>>(), ["Animation", "toy", "rescue"]);
    let told = imported.counts.join("\n");
    assert!(
        told.contains("2 of 3 films (66.7 %), with 75.0 % of the ratings; of them 1 with language, 1 with rating"),
        "{told}"
    );

    let no_links = dir(&[("ratings.csv", b"userId,movieId,rating,timestamp\n")]);
    let refused = |log: &TempDir, imdb: &TempDir| import(log.path(), Some(imdb.path())).unwrap_err();
    assert_eq!(refused(&no_links, &imdb).code(), Code::ConfigInvalid);
    let bare = dir(&[("movie_metadata.csv", b"title,language\nHeat,English\n")]);
    assert_eq!(refused(&log, &bare).code(), Code::ColumnMissing);
    let wrong = dir(&[("movie_metadata.csv", metadata.replace("/tt0113277", "/nm1").as_bytes())]);
    assert!(refused(&log, &wrong).to_string().contains("line 3"));
}
