// Written by the test `golden` of crate/core.
&[
    GoldenSet {
        name: "tiny",
        bundle_id: "22d337f93b6dd0586a85c5a814479c09cd79364874bad53837bd80c1aea11e4e",
        manifest: include_bytes!("tiny/22d337f93b6dd0586a85c5a814479c09cd79364874bad53837bd80c1aea11e4e/manifest.json"),
        block: include_bytes!("tiny/block.pb"),
        rows: include_str!("tiny/rows.json"),
        files: &[
            ("client/feature-spec.3bb4c436.json", include_bytes!("tiny/22d337f93b6dd0586a85c5a814479c09cd79364874bad53837bd80c1aea11e4e/client/feature-spec.3bb4c436.json")),
            ("client/user-tower.cab90d7e.pb", include_bytes!("tiny/22d337f93b6dd0586a85c5a814479c09cd79364874bad53837bd80c1aea11e4e/client/user-tower.cab90d7e.pb")),
            ("client/ranker.d192f1d5.pb", include_bytes!("tiny/22d337f93b6dd0586a85c5a814479c09cd79364874bad53837bd80c1aea11e4e/client/ranker.d192f1d5.pb")),
            ("client/gram.b8f5e999.safetensors", include_bytes!("tiny/22d337f93b6dd0586a85c5a814479c09cd79364874bad53837bd80c1aea11e4e/client/gram.b8f5e999.safetensors")),
        ],
    },
    GoldenSet {
        name: "trained",
        bundle_id: "d7b3781f7065c2b40925ff99266956c0b0ebdfad6dd534d62ee7fc5517392760",
        manifest: include_bytes!("trained/d7b3781f7065c2b40925ff99266956c0b0ebdfad6dd534d62ee7fc5517392760/manifest.json"),
        block: include_bytes!("trained/block.pb"),
        rows: include_str!("trained/rows.json"),
        files: &[
            ("client/feature-spec.7092d38f.json", include_bytes!("trained/d7b3781f7065c2b40925ff99266956c0b0ebdfad6dd534d62ee7fc5517392760/client/feature-spec.7092d38f.json")),
            ("client/user-tower.09933ebe.program", include_bytes!("trained/d7b3781f7065c2b40925ff99266956c0b0ebdfad6dd534d62ee7fc5517392760/client/user-tower.09933ebe.program")),
            ("client/user-tower.8f4b2bfc.onnx", include_bytes!("trained/d7b3781f7065c2b40925ff99266956c0b0ebdfad6dd534d62ee7fc5517392760/client/user-tower.8f4b2bfc.onnx")),
            ("client/ranker.826b9e07.program", include_bytes!("trained/d7b3781f7065c2b40925ff99266956c0b0ebdfad6dd534d62ee7fc5517392760/client/ranker.826b9e07.program")),
            ("client/ranker.6ea822a1.onnx", include_bytes!("trained/d7b3781f7065c2b40925ff99266956c0b0ebdfad6dd534d62ee7fc5517392760/client/ranker.6ea822a1.onnx")),
            ("client/gram.8ba8e575.safetensors", include_bytes!("trained/d7b3781f7065c2b40925ff99266956c0b0ebdfad6dd534d62ee7fc5517392760/client/gram.8ba8e575.safetensors")),
        ],
    },
]
