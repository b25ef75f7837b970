// Written by the test `golden` of crate/core.
&[
    GoldenSet {
        name: "tiny",
        bundle_id: "4c91ea8075b735dde8eba3bcf07486848f8dd8c6f67bcb6455e3d23e29486697",
        manifest: include_bytes!("tiny/4c91ea8075b735dde8eba3bcf07486848f8dd8c6f67bcb6455e3d23e29486697/manifest.json"),
        block: include_bytes!("tiny/block.pb"),
        rows: include_str!("tiny/rows.json"),
        files: &[
            ("client/feature-spec.3bb4c436.json", include_bytes!("tiny/4c91ea8075b735dde8eba3bcf07486848f8dd8c6f67bcb6455e3d23e29486697/client/feature-spec.3bb4c436.json")),
            ("client/user-tower.cab90d7e.pb", include_bytes!("tiny/4c91ea8075b735dde8eba3bcf07486848f8dd8c6f67bcb6455e3d23e29486697/client/user-tower.cab90d7e.pb")),
            ("client/ranker.d192f1d5.pb", include_bytes!("tiny/4c91ea8075b735dde8eba3bcf07486848f8dd8c6f67bcb6455e3d23e29486697/client/ranker.d192f1d5.pb")),
            ("client/gram.b8f5e999.safetensors", include_bytes!("tiny/4c91ea8075b735dde8eba3bcf07486848f8dd8c6f67bcb6455e3d23e29486697/client/gram.b8f5e999.safetensors")),
            ("client/folding.511678e0.bin", include_bytes!("tiny/4c91ea8075b735dde8eba3bcf07486848f8dd8c6f67bcb6455e3d23e29486697/client/folding.511678e0.bin")),
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
