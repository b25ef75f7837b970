#![allow(clippy::unwrap_used)]

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::analyse::{AnalyseConfig, analyse};
use crate::factors::FactorConfig;
use crate::label::encounters;
use crate::split::Split;
use crate::towers::model::{ItemTower, UserTower, Widths};

fn spec() -> (crate::table::Dataset, FeatureSpec) {
    let data = crate::evaluate::fixture::world(5);
    let split = Split::of(&data).unwrap();
    let widths = AnalyseConfig {
        vector_dim: 8,
        factor_dim: 4,
        fold_in: FactorConfig::default().fold_in(),
        seed: 1,
    };
    let spec = analyse(&data, &split, &encounters(&data, &split), &widths).unwrap();
    (data, spec)
}

#[test]
fn a_tower_without_a_group_computes_of_real_inputs_what_it_learnt_of_hidden_ones() {
    let (data, spec) = spec();
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let widths = Widths {
        id: 4,
        tag: 4,
        category: 4,
        hidden: 8,
        vector: 8,
    };
    let (user, item) = (UserLayout::new(&spec), ItemLayout::new(&spec));
    let users = UserTower::new(&user, &widths, &mut rng).weights();
    let items = ItemTower::new(&item, &widths, &mut rng).weights();
    let until = Split::of(&data).unwrap().train_until_ms;
    let whole = crate::catalogue::encode(&data, &spec, None, until, crate::catalogue::Ids::All);
    let mut viewers = UserInputs {
        count: 50,
        columns: 9,
        dense_dim: user.dense,
        ..UserInputs::default()
    };
    for _ in 0..50 {
        viewers
            .categorical
            .extend(user.categorical.iter().map(|c| rng.random_range(0..c.rows)));
        viewers.dense.extend((0..user.dense).map(|_| rng.random::<f32>() - 0.5));
    }
    let mut changed = Vec::new();
    for group in Group::ALL {
        let mask = Mask::of(Some(group), &spec);
        let (mut hidden_items, mut hidden_users) = (whole.clone(), viewers.clone());
        mask.hide_items(&mut hidden_items);
        mask.hide_users(&mut hidden_users);
        let (mut without_item, mut without_user) = (items.clone(), users.clone());
        mask.cut_item(&mut without_item);
        mask.cut_user(&mut without_user);
        let of_item = |tower: &ItemTowerWeights, inputs: &ItemInputs, i: usize| {
            tower.forward(inputs.categorical(i), inputs.tags(i), inputs.dense(i))
        };
        let of_user = |tower: &UserTowerWeights, inputs: &UserInputs, i: usize| {
            tower.forward(inputs.categorical(i), inputs.dense(i))
        };
        for i in 0..50 {
            let learnt = of_item(&without_item, &hidden_items, i);
            assert_eq!(of_item(&without_item, &whole, i), learnt, "{group:?}");
            let learnt = of_user(&without_user, &hidden_users, i);
            assert_eq!(of_user(&without_user, &viewers, i), learnt, "{group:?}");
        }
        let moved = (0..50).any(|i| {
            of_item(&items, &whole, i) != of_item(&without_item, &whole, i)
                || of_user(&users, &viewers, i) != of_user(&without_user, &viewers, i)
        });
        if moved {
            changed.push(group);
        }
    }
    let of_towers: Vec<Group> = Group::ALL.into_iter().filter(|g| g.of_towers()).collect();
    assert_eq!(changed, of_towers);
}
