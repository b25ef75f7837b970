// Written by the test `golden` of crate/core.
&[
    GoldenSet {
        name: "heads",
        bundle_id: "adcebdf88fcd4e4cabb0f6d8b9fdabf43aa37e932679beb542d1042da7039fc4",
        manifest: include_bytes!("heads/adcebdf88fcd4e4cabb0f6d8b9fdabf43aa37e932679beb542d1042da7039fc4/manifest.json"),
        block: include_bytes!("heads/block.pb"),
        rows: include_str!("heads/rows.json"),
        files: &[
            ("client/feature-spec.8c8955a9.json", include_bytes!("heads/adcebdf88fcd4e4cabb0f6d8b9fdabf43aa37e932679beb542d1042da7039fc4/client/feature-spec.8c8955a9.json")),
            ("client/user-tower.babf48b7.program", include_bytes!("heads/adcebdf88fcd4e4cabb0f6d8b9fdabf43aa37e932679beb542d1042da7039fc4/client/user-tower.babf48b7.program")),
            ("client/user-tower.631cf693.onnx", include_bytes!("heads/adcebdf88fcd4e4cabb0f6d8b9fdabf43aa37e932679beb542d1042da7039fc4/client/user-tower.631cf693.onnx")),
            ("client/ranker.89318632.program", include_bytes!("heads/adcebdf88fcd4e4cabb0f6d8b9fdabf43aa37e932679beb542d1042da7039fc4/client/ranker.89318632.program")),
            ("client/ranker.2038c891.onnx", include_bytes!("heads/adcebdf88fcd4e4cabb0f6d8b9fdabf43aa37e932679beb542d1042da7039fc4/client/ranker.2038c891.onnx")),
            ("client/gram.5f85665a.safetensors", include_bytes!("heads/adcebdf88fcd4e4cabb0f6d8b9fdabf43aa37e932679beb542d1042da7039fc4/client/gram.5f85665a.safetensors")),
            ("client/folding.511678e0.bin", include_bytes!("heads/adcebdf88fcd4e4cabb0f6d8b9fdabf43aa37e932679beb542d1042da7039fc4/client/folding.511678e0.bin")),
        ],
    },
    GoldenSet {
        name: "tiny",
        bundle_id: "6c4f14ab254570cbf7cb6cf178bdae0e5bb21ba3bd0411c62581251c4dab7ac7",
        manifest: include_bytes!("tiny/6c4f14ab254570cbf7cb6cf178bdae0e5bb21ba3bd0411c62581251c4dab7ac7/manifest.json"),
        block: include_bytes!("tiny/block.pb"),
        rows: include_str!("tiny/rows.json"),
        files: &[
            ("client/feature-spec.3bb4c436.json", include_bytes!("tiny/6c4f14ab254570cbf7cb6cf178bdae0e5bb21ba3bd0411c62581251c4dab7ac7/client/feature-spec.3bb4c436.json")),
            ("client/user-tower.cab90d7e.pb", include_bytes!("tiny/6c4f14ab254570cbf7cb6cf178bdae0e5bb21ba3bd0411c62581251c4dab7ac7/client/user-tower.cab90d7e.pb")),
            ("client/ranker.2dfe18ac.pb", include_bytes!("tiny/6c4f14ab254570cbf7cb6cf178bdae0e5bb21ba3bd0411c62581251c4dab7ac7/client/ranker.2dfe18ac.pb")),
            ("client/gram.b8f5e999.safetensors", include_bytes!("tiny/6c4f14ab254570cbf7cb6cf178bdae0e5bb21ba3bd0411c62581251c4dab7ac7/client/gram.b8f5e999.safetensors")),
            ("client/folding.511678e0.bin", include_bytes!("tiny/6c4f14ab254570cbf7cb6cf178bdae0e5bb21ba3bd0411c62581251c4dab7ac7/client/folding.511678e0.bin")),
        ],
    },
    GoldenSet {
        name: "trained",
        bundle_id: "88507062e51f4cdbb60233158d947be15b1154b842e93ac2f69d65ca739a5469",
        manifest: include_bytes!("trained/88507062e51f4cdbb60233158d947be15b1154b842e93ac2f69d65ca739a5469/manifest.json"),
        block: include_bytes!("trained/block.pb"),
        rows: include_str!("trained/rows.json"),
        files: &[
            ("client/feature-spec.7092d38f.json", include_bytes!("trained/88507062e51f4cdbb60233158d947be15b1154b842e93ac2f69d65ca739a5469/client/feature-spec.7092d38f.json")),
            ("client/user-tower.09933ebe.program", include_bytes!("trained/88507062e51f4cdbb60233158d947be15b1154b842e93ac2f69d65ca739a5469/client/user-tower.09933ebe.program")),
            ("client/user-tower.8f4b2bfc.onnx", include_bytes!("trained/88507062e51f4cdbb60233158d947be15b1154b842e93ac2f69d65ca739a5469/client/user-tower.8f4b2bfc.onnx")),
            ("client/ranker.826b9e07.program", include_bytes!("trained/88507062e51f4cdbb60233158d947be15b1154b842e93ac2f69d65ca739a5469/client/ranker.826b9e07.program")),
            ("client/ranker.6ea822a1.onnx", include_bytes!("trained/88507062e51f4cdbb60233158d947be15b1154b842e93ac2f69d65ca739a5469/client/ranker.6ea822a1.onnx")),
            ("client/gram.8ba8e575.safetensors", include_bytes!("trained/88507062e51f4cdbb60233158d947be15b1154b842e93ac2f69d65ca739a5469/client/gram.8ba8e575.safetensors")),
            ("client/folding.511678e0.bin", include_bytes!("trained/88507062e51f4cdbb60233158d947be15b1154b842e93ac2f69d65ca739a5469/client/folding.511678e0.bin")),
        ],
    },
]
