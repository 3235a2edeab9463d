//! The migrations are embedded by a macro, which does not notice a file that is new.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
