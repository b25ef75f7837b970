//! How much processor time an example costs the towers' training: what `npm run bench:towers` holds beside JAX.
//!
//! `tower_speed DATA INPUTS BATCH EPOCHS`: reads the tables in DATA, encodes the moments of the train window once, writes what the
//! towers are given to INPUTS (safetensors), then trains on exactly that, and prints one line of JSON. Run it on one core
//! (`taskset -c 0`, `RAYON_NUM_THREADS=1`): it counts the time of the whole process. Linux only.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::error::Error;
use std::path::Path;

use burn::tensor::Device;
use safetensors::tensor::{Dtype, TensorView};
use upnext_core::feature::spec::FeatureSpec;
use upnext_core::feature::{ItemLayout, UserLayout};
use upnext_core::fold_in::Gram;
use upnext_export::analyse::{AnalyseConfig, analyse};
use upnext_export::catalogue::{self, Ids};
use upnext_export::factors::{FactorConfig, Ones, factorise};
use upnext_export::label::{Encounter, encounters};
use upnext_export::moments::{Moments, Pasts};
use upnext_export::split::{Side, Split};
use upnext_export::table::load;
use upnext_export::towers::{Examples, ItemInputs, Material, Objective, QuantRows, TowerConfig, UserInputs, fit};

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [data, inputs, batch, epochs] = words.as_slice() else {
        return Err("tower_speed DATA INPUTS BATCH EPOCHS".into());
    };
    let config = TowerConfig {
        batch: batch.parse()?,
        epochs: epochs.parse()?,
        final_epochs: 0,
        ..TowerConfig::new(Objective::SampledSoftmax)
    };
    let data = load(Path::new(data), 0.01)?.data;
    let split = Split::of(&data)?;
    let met = encounters(&data, &split);
    let relevant = |side| {
        met.iter()
            .filter(move |e| split.side(e.at_ms) == side && e.label() == Some(true))
    };
    let factor_config = FactorConfig::default();
    let spec = analyse(
        &data,
        &split,
        &met,
        &AnalyseConfig {
            vector_dim: config.vector_dim,
            factor_dim: factor_config.dim,
            fold_in: factor_config.fold_in(),
            seed: config.seed,
        },
    )?;
    let pairs = relevant(Side::Factors).map(|e| (e.user, e.video));
    let ones = Ones::from_pairs(data.users.len(), data.videos.len(), pairs);
    let factors = factorise(&ones, &factor_config, |_, _| ())?;
    let gram = Gram::of(factors.dim, &factors.items);
    let pasts = Pasts::new(&data, &spec, split.train_until_ms);
    let moments = Moments {
        data: &data,
        spec: &spec,
        gram: &gram,
        pasts: &pasts,
        factors: &QuantRows::new(factors.dim, factors.items.clone()),
    };
    let items = catalogue::encode(&data, &spec, None, split.factors_until_ms, Ids::All);
    let mut shown: Vec<&Encounter> = relevant(Side::Train).collect();
    // Whole steps, so that both take as many of one size.
    shown.truncate(shown.len() / config.batch.max(1) * config.batch);
    if shown.is_empty() {
        return Err(format!("less than one step of {batch} examples in the train window").into());
    }
    let examples = Examples {
        user: shown.iter().map(|e| e.user).collect(),
        video: shown.iter().map(|e| e.video).collect(),
        relevant: vec![true; shown.len()],
    };

    // The pools of the first pass serve all: what an epoch costs beside the towers is not measured.
    let first: RefCell<Option<UserInputs>> = RefCell::new(None);
    let encode = |vectors: &QuantRows| {
        if first.borrow().is_none() {
            let mut encoded = UserInputs::default();
            moments
                .map(&shown, vectors, |moment| Ok(moment.encoded))?
                .iter()
                .for_each(|row| encoded.push(row));
            write(Path::new(inputs), &spec, &encoded, &items, &examples)?;
            first.replace(Some(encoded));
        }
        Ok(first.borrow().clone().unwrap_or_default())
    };
    // From the end of an epoch's first step to the end of its last one: what lies between epochs is not in it.
    let (begun, taken, seen) = (Cell::new(0.0), RefCell::new(Vec::new()), Cell::new(0));
    let mut timing = Ok(());
    let trained = fit(
        &Material {
            user_layout: UserLayout::new(&spec),
            item_layout: ItemLayout::new(&spec),
            items: &items,
            examples: &examples,
            encode: &encode,
            device: Device::flex(),
        },
        &config,
        |done, _| match processor_seconds() {
            Ok(now) => {
                let before = seen.get();
                seen.set((before + done as usize) % examples.len());
                if before == 0 {
                    begun.set(now);
                }
                if seen.get() == 0 {
                    let timed = examples.len() - config.batch.min(examples.len());
                    taken.borrow_mut().push((timed, now - begun.get()));
                }
            }
            Err(error) => timing = Err(error),
        },
    )?;
    timing?;
    let epochs: Vec<String> = (trained.loss.iter().zip(taken.borrow().iter()))
        .map(|(loss, (timed, seconds))| {
            format!("{{\"loss\": {loss:.5}, \"examples\": {timed}, \"seconds\": {seconds:.4}}}")
        })
        .collect();
    println!("{{\"epochs\": [{}]}}", epochs.join(", "));
    Ok(())
}

/// What the towers are given, and the rows of every table.
fn write(
    path: &Path,
    spec: &FeatureSpec,
    users: &UserInputs,
    items: &ItemInputs,
    examples: &Examples,
) -> Result<(), upnext_export::Error> {
    let (user, item) = (UserLayout::new(spec), ItemLayout::new(spec));
    let [id, _, rest @ ..] = item.categorical;
    let user_rows: Vec<u32> = user.categorical.iter().map(|column| column.rows).collect();
    let mut item_rows = vec![id.rows, item.tags.rows];
    item_rows.extend(rest.map(|column| column.rows));
    let arrays: [(&str, Dtype, Vec<usize>, &[u8]); 9] = [
        ("user_rows", Dtype::U32, vec![user_rows.len()], bytes_of(&user_rows)),
        ("item_rows", Dtype::U32, vec![item_rows.len()], bytes_of(&item_rows)),
        (
            "user_categorical",
            Dtype::U32,
            vec![users.count, users.columns],
            bytes_of(&users.categorical),
        ),
        (
            "user_dense",
            Dtype::F32,
            vec![users.count, users.dense_dim],
            bytes_of(&users.dense),
        ),
        (
            "item_categorical",
            Dtype::U32,
            vec![items.count, items.columns],
            bytes_of(&items.categorical),
        ),
        (
            "item_tags",
            Dtype::U32,
            vec![items.count, items.max_tags],
            bytes_of(&items.tags),
        ),
        (
            "item_dense",
            Dtype::F32,
            vec![items.count, items.dense_dim],
            bytes_of(&items.dense),
        ),
        ("user", Dtype::U32, vec![examples.len()], bytes_of(&examples.user)),
        ("video", Dtype::U32, vec![examples.len()], bytes_of(&examples.video)),
    ];
    let mut views = Vec::new();
    for (name, kind, shape, bytes) in &arrays {
        let view = TensorView::new(*kind, shape.clone(), bytes);
        views.push((*name, view.map_err(upnext_export::Error::file(path))?));
    }
    safetensors::serialize_to_file(views, None::<HashMap<String, String>>, path)
        .map_err(upnext_export::Error::file(path))
}

fn bytes_of<T: bytemuck::Pod>(values: &[T]) -> &[u8] {
    bytemuck::cast_slice(values)
}

/// Seconds of a processor that the threads of this process have had, in steps of the kernel's hundredth.
fn processor_seconds() -> Result<f64, std::io::Error> {
    const TICKS: f64 = 100.0;
    let text = std::fs::read_to_string("/proc/self/stat")?;
    // Fields 14 and 15, user and system time; the name in field 2 may hold blanks, and ends with a parenthesis.
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: Vec<f64> = fields.skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    match ticks.as_slice() {
        [user, system] => Ok((user + system) / TICKS),
        _ => Err(std::io::Error::other("/proc/self/stat tells no times")),
    }
}
