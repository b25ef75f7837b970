// Written by the test `golden` of crate/core.
&[
    GoldenSet {
        name: "tiny",
        bundle_id: "b6e532a21581d3273656105b2aa59e3d861e66cf0b4c6ffa6fea55f93c877eb9",
        manifest: include_bytes!("tiny/b6e532a21581d3273656105b2aa59e3d861e66cf0b4c6ffa6fea55f93c877eb9/manifest.json"),
        block: include_bytes!("tiny/block.pb"),
        rows: include_str!("tiny/rows.json"),
        files: &[
            ("client/feature-spec.3bb4c436.json", include_bytes!("tiny/b6e532a21581d3273656105b2aa59e3d861e66cf0b4c6ffa6fea55f93c877eb9/client/feature-spec.3bb4c436.json")),
            ("client/user-tower.cab90d7e.pb", include_bytes!("tiny/b6e532a21581d3273656105b2aa59e3d861e66cf0b4c6ffa6fea55f93c877eb9/client/user-tower.cab90d7e.pb")),
            ("client/ranker.4fa3dd3a.pb", include_bytes!("tiny/b6e532a21581d3273656105b2aa59e3d861e66cf0b4c6ffa6fea55f93c877eb9/client/ranker.4fa3dd3a.pb")),
            ("client/gram.b8f5e999.safetensors", include_bytes!("tiny/b6e532a21581d3273656105b2aa59e3d861e66cf0b4c6ffa6fea55f93c877eb9/client/gram.b8f5e999.safetensors")),
        ],
    },
    GoldenSet {
        name: "trained",
        bundle_id: "2fe8176d94469dbf1fa5fc7b498a86f6003b4f9b6b1539f264518c476a63fcf7",
        manifest: include_bytes!("trained/2fe8176d94469dbf1fa5fc7b498a86f6003b4f9b6b1539f264518c476a63fcf7/manifest.json"),
        block: include_bytes!("trained/block.pb"),
        rows: include_str!("trained/rows.json"),
        files: &[
            ("client/feature-spec.7092d38f.json", include_bytes!("trained/2fe8176d94469dbf1fa5fc7b498a86f6003b4f9b6b1539f264518c476a63fcf7/client/feature-spec.7092d38f.json")),
            ("client/user-tower.09933ebe.program", include_bytes!("trained/2fe8176d94469dbf1fa5fc7b498a86f6003b4f9b6b1539f264518c476a63fcf7/client/user-tower.09933ebe.program")),
            ("client/user-tower.8f4b2bfc.onnx", include_bytes!("trained/2fe8176d94469dbf1fa5fc7b498a86f6003b4f9b6b1539f264518c476a63fcf7/client/user-tower.8f4b2bfc.onnx")),
            ("client/ranker.b76e2e7a.program", include_bytes!("trained/2fe8176d94469dbf1fa5fc7b498a86f6003b4f9b6b1539f264518c476a63fcf7/client/ranker.b76e2e7a.program")),
            ("client/ranker.988ba15e.onnx", include_bytes!("trained/2fe8176d94469dbf1fa5fc7b498a86f6003b4f9b6b1539f264518c476a63fcf7/client/ranker.988ba15e.onnx")),
            ("client/gram.8ba8e575.safetensors", include_bytes!("trained/2fe8176d94469dbf1fa5fc7b498a86f6003b4f9b6b1539f264518c476a63fcf7/client/gram.8ba8e575.safetensors")),
        ],
    },
]
