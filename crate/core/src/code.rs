//! The one list of error codes, shared by the command line, HTTP and JavaScript.

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A stable error code. The text of a code never changes and is never reused.
        ///
        /// ```
        /// use upnext_core::Code;
        /// assert_eq!(Code::BundleCorrupt.as_str(), "bundle-corrupt");
        /// assert_eq!(Code::parse("bundle-corrupt"), Some(Code::BundleCorrupt));
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code, in the order of the list.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The code as it appears in messages, HTTP bodies and `UpnextError.code`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }

            /// The code with this text, if there is one.
            #[must_use]
            pub fn parse(text: &str) -> Option<Code> {
                Code::ALL.iter().copied().find(|code| code.as_str() == text)
            }
        }
    };
}

codes! {
    /// No bundle where one was expected.
    BundleMissing = "bundle-missing",
    /// The manifest or the feature spec is not readable JSON of the expected shape.
    BundleUnreadable = "bundle-unreadable",
    /// Written in a format version that this program does not read.
    BundleVersion = "bundle-version",
    /// A file's bytes do not have the size or hash that the manifest names.
    BundleCorrupt = "bundle-corrupt",
    /// A file that the manifest names, or that is needed, is absent.
    BundleIncomplete = "bundle-incomplete",
    /// Spec, programs and manifest disagree about dimensions or the spec's hash.
    BundleInconsistent = "bundle-inconsistent",
    /// Vectors, weights or a block of one bundle id met those of another.
    BundleMismatch = "bundle-mismatch",
    /// The candidate block's bytes cannot be decoded: truncated or not protobuf.
    BlockUnreadable = "block-unreadable",
    /// The candidate block decodes, and breaks a bound (column lengths, counts, dictionary rows).
    BlockInvalid = "block-invalid",
    /// The candidate block's time is over.
    BlockExpired = "block-expired",
    /// NaN or infinity where a finite number is needed.
    NotFinite = "not-finite",
    /// A category id or row outside its table.
    IdOutOfRange = "id-out-of-range",
    /// A compact program that does not validate.
    ProgramInvalid = "program-invalid",
    /// An ONNX graph with an op outside the compact set.
    OpUnsupported = "op-unsupported",
    /// An ONNX graph that cannot be read or run.
    OnnxInvalid = "onnx-invalid",
    /// A request, option or event of the wrong shape.
    RequestInvalid = "request-invalid",
    /// A stored or imported profile or history that cannot be read.
    ProfileInvalid = "profile-invalid",
    /// The server did not answer.
    ServerUnreachable = "server-unreachable",
    /// The server answered with an error of its own.
    ServerError = "server-error",
    /// The device's storage cannot be used; memory is used instead.
    StorageUnavailable = "storage-unavailable",
    /// `recommend` before a bundle and a block were loaded.
    NotReady = "not-ready",
    /// The account is not in the bundle.
    AccountUnknown = "account-unknown",
    /// The account token is malformed, forged or expired.
    TokenInvalid = "token-invalid",
    /// More is asked of the server than it takes.
    Overloaded = "overloaded",
    /// No such route or file.
    NotFound = "not-found",
    /// A file or directory cannot be read or written.
    FileUnreadable = "file-unreadable",
    /// A table without a row.
    TableEmpty = "table-empty",
    /// A table without a column that it must have.
    ColumnMissing = "column-missing",
    /// More malformed rows than the stated share.
    RowsMalformed = "rows-malformed",
    /// A user without a single event where one is needed.
    UserWithoutEvents = "user-without-events",
    /// A side of the time split without events.
    SplitEmpty = "split-empty",
    /// Training left the finite numbers.
    TrainingDiverged = "training-diverged",
    /// An option or configuration value outside its range.
    ConfigInvalid = "config-invalid",
    /// A sentence encoder of an architecture that is not read.
    TextModelUnsupported = "text-model-unsupported",
    /// A sentence encoder, or a student, whose files are damaged or contradict one another.
    TextModelInvalid = "text-model-invalid",
    /// A receipt whose inputs do not give the hash or the slate that it names.
    ReceiptMismatch = "receipt-mismatch",
}
