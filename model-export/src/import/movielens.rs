//! MovieLens in its original file formats: latest-small (CSV), 100K (`u.data`), 1M (`ratings.dat`).
//!
//! A rating is an impression at its instant; a rating of 4 or more is also a like (the stated stand-in for
//! relevance), one of 2 or less also a dislike. A tag that a user gave a film is a comment: text about a video,
//! by a user, at an instant. There is no watch: nobody knows how long.

use std::collections::HashMap;
use std::path::Path;

use upnext_core::EventKind;

use super::Imported;
use crate::Error;
use crate::table::{Builder, Interaction, Meta, User, Video};

mod imdb;
mod lines;
mod title;

use imdb::{Film, Imdb};
use lines::{Encoding, Lines};
use title::{released, split_year};

/// From this rating on a film was liked.
pub const LIKED_FROM: f32 = 4.0;
/// Up to this rating it was disliked.
pub const DISLIKED_TO: f32 = 2.0;

/// Reads a MovieLens directory of any of the three formats. With `imdb`, a directory with `movie_metadata.csv`, films get
/// language, age rating, keywords (as more tags) and length from there, by the IMDb ids of `links.csv`.
///
/// # Errors
/// [`Error::File`] where it has none of the formats, or a line cannot be read; [`Error::ConfigInvalid`] where films are to be
/// joined that have no `links.csv`; [`Error::ColumnMissing`].
pub fn import(dir: &Path, imdb: Option<&Path>) -> Result<Imported, Error> {
    if imdb.is_some() && !dir.join("links.csv").is_file() {
        return Err(Error::ConfigInvalid {
            option: "--imdb".to_owned(),
            reason: format!("{} has no links.csv; only MovieLens latest has IMDb ids", dir.display()),
        });
    }
    if dir.join("ratings.csv").is_file() {
        latest(dir, imdb)
    } else if dir.join("u.data").is_file() {
        hundred_k(dir)
    } else if dir.join("ratings.dat").is_file() {
        one_m(dir)
    } else {
        Err(Error::File {
            path: dir.to_path_buf(),
            reason: "none of ratings.csv (latest), u.data (100K), ratings.dat (1M) is there".to_owned(),
        })
    }
}

fn start(name: &str, extra: &[&str]) -> Builder {
    let notes = [
        "MovieLens (GroupLens), Harper & Konstan 2015",
        "a rating is an impression; 4 or more: also a like; 2 or less: also a dislike; no seconds watched",
        "tags are genres; published_at is the first instant, UTC, of the release day or of the year in the title",
    ];
    Builder::new(Meta {
        name: name.to_owned(),
        notes: notes.iter().chain(extra).map(|note| (*note).to_owned()).collect(),
        ..Meta::default()
    })
}

/// Notes on the films that IMDb knows.
const JOINED: &str = "language, rating, keywords (as tags) and length of films by IMDb id, as of 2016, from IMDB 5000";

fn latest(dir: &Path, imdb: Option<&Path>) -> Result<Imported, Error> {
    let users = "users' free-text tags are comments; no demographics";
    let mut builder = match imdb {
        None => start("movielens-latest-small", &[users]),
        Some(_) => start("movielens-latest-small-imdb", &[users, JOINED]),
    };
    let csv = |name: &str| Lines::csv(&dir.join(name));
    let (imdb, mut links) = (imdb.map(Imdb::read).transpose()?, HashMap::new());
    if imdb.is_some() {
        csv("links.csv")?.each(|[film, imdb, _tmdb]| {
            links.insert(film.to_owned(), imdb.to_owned());
            Ok(())
        })?;
    }
    let known = |id: &str| imdb.as_ref()?.film(links.get(id)?);
    let (mut coverage, mut rated, mut of_known) = (Coverage::default(), 0_usize, 0_usize);
    csv("movies.csv")?.each(|[id, title, genres]| {
        let found = known(id);
        coverage.count(found);
        film_with(&mut builder, id, title, None, genres.split('|'), found);
        Ok(())
    })?;
    csv("ratings.csv")?.each(|[user, film, stars, seconds]| {
        builder.user(&User {
            id: user,
            ..User::default()
        });
        rated += 1;
        of_known += usize::from(known(film).is_some());
        rating(&mut builder, user, film, stars, seconds)
    })?;
    if dir.join("tags.csv").is_file() {
        csv("tags.csv")?.each(|[user, film, tag, seconds]| {
            builder.user(&User {
                id: user,
                ..User::default()
            });
            let (user, video, at_ms) = place(&builder, user, film, seconds)?;
            builder.interaction(&Interaction {
                text: Some(tag),
                ..Interaction::new(user, video, EventKind::Comment, at_ms)
            });
            Ok(())
        })?;
    }
    let mut imported = done(builder);
    if imdb.is_some() {
        imported.counts.push(coverage.line(of_known, rated));
    }
    Ok(imported)
}

/// How many films IMDb knows, and what of them.
#[derive(Debug, Default)]
struct Coverage {
    films: usize,
    known: usize,
    language: usize,
    rating: usize,
    keywords: usize,
    length: usize,
}

impl Coverage {
    fn count(&mut self, found: Option<&Film>) {
        self.films += 1;
        let Some(film) = found else { return };
        self.known += 1;
        self.language += usize::from(film.language.is_some());
        self.rating += usize::from(film.rating.is_some());
        self.keywords += usize::from(!film.keywords.is_empty());
        self.length += usize::from(film.length_seconds.is_some());
    }

    fn line(&self, of_known: usize, rated: usize) -> String {
        let share = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
        format!(
            "IMDb knows {} of {} films ({:.1} %), with {:.1} % of the ratings; of them {} with language, {} with rating, {} with \
             keywords, {} with length",
            self.known,
            self.films,
            share(self.known, self.films),
            share(of_known, rated),
            self.language,
            self.rating,
            self.keywords,
            self.length
        )
    }
}

fn hundred_k(dir: &Path) -> Result<Imported, Error> {
    /// In the order of the flags of `u.item`.
    const GENRES: [&str; 19] = [
        "unknown",
        "Action",
        "Adventure",
        "Animation",
        "Children",
        "Comedy",
        "Crime",
        "Documentary",
        "Drama",
        "Fantasy",
        "Film-Noir",
        "Horror",
        "Musical",
        "Mystery",
        "Romance",
        "Sci-Fi",
        "Thriller",
        "War",
        "Western",
    ];
    let mut builder = start("movielens-100k", &[]);
    let split = |name: &str, by| Lines::split(&dir.join(name), by, Encoding::Latin1);
    split("u.user", "|")?.each(|[id, age, gender, _job, _zip]| person(&mut builder, id, age, gender))?;
    split("u.item", "|")?.each_wide(|cells| {
        let [id, title, day, _video_day, _url, flags @ ..] = cells else {
            return Err("fewer than 5 cells".to_owned());
        };
        // "unknown" is not a genre.
        let genres = GENRES
            .iter()
            .zip(flags)
            .skip(1)
            .filter(|(_, flag)| **flag == "1")
            .map(|(name, _)| *name);
        film(&mut builder, id, title, released(day), genres);
        Ok(())
    })?;
    split("u.data", "\t")?.each(|[user, film, stars, seconds]| rating(&mut builder, user, film, stars, seconds))?;
    Ok(done(builder))
}

fn one_m(dir: &Path) -> Result<Imported, Error> {
    let mut builder = start(
        "movielens-1m",
        &["ages are lower bounds of buckets: 1 (under 18), 18, 25, 35, 45, 50, 56"],
    );
    let split = |name: &str| Lines::split(&dir.join(name), "::", Encoding::Latin1);
    split("users.dat")?.each(|[id, gender, age, _job, _zip]| person(&mut builder, id, age, gender))?;
    split("movies.dat")?.each(|[id, title, genres]| {
        film(&mut builder, id, title, None, genres.split('|'));
        Ok(())
    })?;
    split("ratings.dat")?.each(|[user, film, stars, seconds]| rating(&mut builder, user, film, stars, seconds))?;
    Ok(done(builder))
}

fn film<'a>(
    builder: &mut Builder,
    id: &str,
    title: &str,
    released_ms: Option<i64>,
    genres: impl Iterator<Item = &'a str>,
) {
    film_with(builder, id, title, released_ms, genres, None);
}

fn film_with<'a>(
    builder: &mut Builder,
    id: &str,
    title: &str,
    released_ms: Option<i64>,
    genres: impl Iterator<Item = &'a str>,
    known: Option<&'a Film>,
) {
    let (name, year_ms) = split_year(title);
    let mut tags: Vec<&str> = genres.filter(|g| !g.is_empty() && *g != "(no genres listed)").collect();
    tags.extend(known.iter().flat_map(|film| &film.keywords).map(String::as_str));
    builder.video(&Video {
        id,
        title: Some(name),
        tags: &tags,
        published_at_ms: released_ms.or(year_ms),
        language: known.and_then(|film| film.language),
        rating: known.and_then(|film| film.rating.as_deref()),
        length_seconds: known.and_then(|film| film.length_seconds),
        ..Video::default()
    });
}

fn person(builder: &mut Builder, id: &str, age: &str, gender: &str) -> Result<(), String> {
    let age = if age.is_empty() {
        None
    } else {
        Some(age.parse().map_err(|_| format!("`{age}` is no age"))?)
    };
    builder.user(&User {
        id,
        age,
        gender: Some(gender),
        ..User::default()
    });
    Ok(())
}

fn place(builder: &Builder, user: &str, film: &str, seconds: &str) -> Result<(u32, u32, i64), String> {
    let data = builder.so_far();
    let user = data
        .users
        .ids
        .row(user)
        .ok_or_else(|| format!("user {user} is not in the users file"))?;
    let video = data
        .videos
        .ids
        .row(film)
        .ok_or_else(|| format!("film {film} is not in the films file"))?;
    let seconds: i64 = seconds
        .parse()
        .map_err(|_| format!("`{seconds}` is not a time in seconds"))?;
    Ok((user, video, seconds.saturating_mul(1_000)))
}

fn rating(builder: &mut Builder, user: &str, film: &str, stars: &str, seconds: &str) -> Result<(), String> {
    let (user, video, at_ms) = place(builder, user, film, seconds)?;
    let stars: f32 = stars.parse().map_err(|_| format!("`{stars}` is no rating"))?;
    builder.interaction(&Interaction::new(user, video, EventKind::Impression, at_ms));
    if stars >= LIKED_FROM {
        builder.interaction(&Interaction::new(user, video, EventKind::Like, at_ms));
    } else if stars <= DISLIKED_TO {
        builder.interaction(&Interaction::new(user, video, EventKind::Dislike, at_ms));
    }
    Ok(())
}

fn done(builder: Builder) -> Imported {
    let data = builder.finish();
    let counts = vec![format!("{} films, {} users", data.videos.len(), data.users.len())];
    Imported { data, counts }
}

#[cfg(test)]
mod tests;
