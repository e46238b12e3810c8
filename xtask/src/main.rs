//! The commands of this repository: `cargo xtask` lists them.

mod layers;
mod workspace;

pub(crate) type Failure = Box<dyn std::error::Error>;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let r = layers::run(args.get(1).map(String::as_str));
    println!("{r:?}");
}
