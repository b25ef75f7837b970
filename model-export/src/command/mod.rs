//! The verbs, one file each: arguments, a call into the library, what is printed.

mod ablate;
mod benchmark;
mod check;
mod compile;
mod data;
mod distill;
mod embed;
mod enlarge;
mod evaluate;
mod factors;
mod golden;
mod import;
mod inspect;
mod json;
mod onnx_vectors;
mod personal;
mod replay;
mod shard;
mod simulate;
mod train;
mod vectors;
mod world;

use clap::{Parser, Subcommand};
use upnext_export::Error;

/// From watch logs to a bundle that devices and servers load
#[derive(Debug, Parser)]
#[command(name = "upnext-export", version, arg_required_else_help = true)]
#[command(after_help = "Figures go to stdout, progress to stderr.\n\
    A failure prints `error[code]: message` and exits with 1; the codes are those of the server and of the npm package.")]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Import(import::Import),
    Simulate(simulate::Simulate),
    World(world::WorldArgs),
    Check(check::Check),
    Train(train::Train),
    Factors(factors::JudgeFactors),
    Shard(shard::Shard),
    Evaluate(evaluate::Evaluate),
    Ablate(ablate::Ablate),
    Personal(personal::PersonalArgs),
    Benchmark(benchmark::Benchmark),
    Golden(golden::Golden),
    Replay(replay::Replay),
    Inspect(inspect::Inspect),
    Compile(compile::Compile),
    OnnxVectors(onnx_vectors::OnnxVectors),
    Embed(embed::Embed),
    Distill(distill::Distill),
    Vectors(vectors::Vectors),
    Enlarge(enlarge::Enlarge),
}

impl Cli {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Error> {
        match self.verb {
            Verb::Import(verb) => verb.run(),
            Verb::Simulate(verb) => verb.run(),
            Verb::World(verb) => verb.run(),
            Verb::Check(verb) => verb.run(),
            Verb::Train(verb) => verb.run(),
            Verb::Factors(verb) => verb.run(),
            Verb::Shard(verb) => verb.run(),
            Verb::Evaluate(verb) => verb.run(),
            Verb::Ablate(verb) => verb.run(),
            Verb::Personal(verb) => verb.run(),
            Verb::Benchmark(verb) => verb.run(),
            Verb::Golden(verb) => verb.run(),
            Verb::Replay(verb) => verb.run(),
            Verb::Inspect(verb) => verb.run(),
            Verb::Compile(verb) => verb.run(),
            Verb::OnnxVectors(verb) => verb.run(),
            Verb::Embed(verb) => verb.run(),
            Verb::Distill(verb) => verb.run(),
            Verb::Vectors(verb) => verb.run(),
            Verb::Enlarge(verb) => verb.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn every_verb_has_help_with_an_example() {
        let command = Cli::command();
        command.clone().debug_assert();
        for verb in command.get_subcommands() {
            let help = verb.clone().render_long_help().to_string();
            let example = format!("upnext-export {}", verb.get_name());
            assert!(help.contains(&example), "{}: no example", verb.get_name());
        }
    }
}
