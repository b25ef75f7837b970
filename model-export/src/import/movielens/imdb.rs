//! What IMDb says of films: `movie_metadata.csv` ("IMDB 5000"), joined by IMDb id.
//!
//! Language, age rating, plot keywords and length are taken: they belong to the film. Its counts (votes, reviews) are as of
//! 2016, long after most ratings of the log, so a model that read them would know the future.

use std::collections::HashMap;
use std::path::Path;

use crate::Error;

/// The file's name.
const FILE: &str = "movie_metadata.csv";

/// A film there.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Film {
    /// BCP 47.
    pub(super) language: Option<&'static str>,
    /// Of the boards of film or television.
    pub(super) rating: Option<String>,
    /// Plot keywords.
    pub(super) keywords: Vec<String>,
    /// Length.
    pub(super) length_seconds: Option<f32>,
}

/// Films by the number in their IMDb id.
#[derive(Debug, Default)]
pub(super) struct Imdb {
    films: HashMap<u32, Film>,
}

impl Imdb {
    /// Reads the directory. Of a film that comes twice the first row counts.
    ///
    /// # Errors
    /// [`Error::File`] where the file or a line cannot be read, [`Error::ColumnMissing`].
    pub(super) fn read(dir: &Path) -> Result<Imdb, Error> {
        let path = dir.join(FILE);
        let mut reader = csv::Reader::from_path(&path).map_err(Error::file(&path))?;
        let headers = reader.headers().map_err(Error::file(&path))?.clone();
        let column = |name: &str| {
            let found = headers.iter().position(|header| header == name);
            found.ok_or_else(|| Error::ColumnMissing {
                path: path.clone(),
                column: name.to_owned(),
                found: headers.iter().collect::<Vec<_>>().join(", "),
            })
        };
        let [link, language, rating, keywords, minutes] = [
            column("movie_imdb_link")?,
            column("language")?,
            column("content_rating")?,
            column("plot_keywords")?,
            column("duration")?,
        ];
        let mut imdb = Imdb::default();
        for record in reader.records() {
            let record = record.map_err(Error::file(&path))?;
            let cell = |column: usize| record.get(column).unwrap_or_default().trim();
            let line = record.position().map_or(0, csv::Position::line);
            let number = number(cell(link)).ok_or_else(|| Error::File {
                path: path.clone(),
                reason: format!("line {line}: `{}` holds no IMDb id", cell(link)),
            })?;
            imdb.films.entry(number).or_insert_with(|| Film {
                language: bcp47(cell(language)),
                rating: rated(cell(rating)).map(str::to_owned),
                keywords: (cell(keywords).split('|'))
                    .filter(|keyword| !keyword.is_empty())
                    .map(str::to_owned)
                    .collect(),
                length_seconds: cell(minutes)
                    .parse::<f32>()
                    .ok()
                    .map(|minutes| 60.0 * minutes)
                    .filter(|s| *s > 0.0),
            });
        }
        Ok(imdb)
    }

    /// The film of an id as MovieLens links it, `0114709`.
    pub(super) fn film(&self, id: &str) -> Option<&Film> {
        self.films.get(&id.parse().ok()?)
    }
}

/// The number of `http://www.imdb.com/title/tt0499549/?ref_=fn_tt_tt_1`.
fn number(link: &str) -> Option<u32> {
    let (_, rest) = link.split_once("/tt")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// A rating; that there is none is no rating.
fn rated(rating: &str) -> Option<&str> {
    (!matches!(rating, "" | "Not Rated" | "Unrated")).then_some(rating)
}

/// The tag of a language by IMDb's name; `None` of what names no one language.
fn bcp47(name: &str) -> Option<&'static str> {
    const TAGS: [(&str, &str); 45] = [
        ("Arabic", "ar"),
        ("Aramaic", "arc"),
        ("Bosnian", "bs"),
        ("Cantonese", "yue"),
        ("Chinese", "zh"),
        ("Czech", "cs"),
        ("Danish", "da"),
        ("Dari", "prs"),
        ("Dutch", "nl"),
        ("Dzongkha", "dz"),
        ("English", "en"),
        ("Filipino", "fil"),
        ("French", "fr"),
        ("German", "de"),
        ("Greek", "el"),
        ("Hebrew", "he"),
        ("Hindi", "hi"),
        ("Hungarian", "hu"),
        ("Icelandic", "is"),
        ("Indonesian", "id"),
        ("Italian", "it"),
        ("Japanese", "ja"),
        ("Kannada", "kn"),
        ("Kazakh", "kk"),
        ("Korean", "ko"),
        ("Mandarin", "zh"),
        ("Mongolian", "mn"),
        ("Norwegian", "no"),
        ("Panjabi", "pa"),
        ("Persian", "fa"),
        ("Polish", "pl"),
        ("Portuguese", "pt"),
        ("Romanian", "ro"),
        ("Russian", "ru"),
        ("Slovenian", "sl"),
        ("Spanish", "es"),
        ("Swahili", "sw"),
        ("Swedish", "sv"),
        ("Tamil", "ta"),
        ("Telugu", "te"),
        ("Thai", "th"),
        ("Urdu", "ur"),
        ("Vietnamese", "vi"),
        ("Turkish", "tr"),
        ("Zulu", "zu"),
    ];
    TAGS.iter().find(|(known, _)| *known == name).map(|(_, tag)| *tag)
}
