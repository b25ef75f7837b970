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
]
