//! zhost: the parent of all spaces on a Linux machine.
//!
//! It joins the cores: zrms decides what is to run, zmesh carries messages, and each topology's spaces run in a child
//! process of their own. One parent serves one folder of state, and whoever may open its socket may ask it.
//! `docs/running.md` has the operator's view.
//!
//! | file | settles |
//! |---|---|
//! | `application.rs` | what is known of a package that is to run, and how the cores want it |
//! | `home.rs` | where state is kept, and that one parent has it |
//! | `host.rs` | control: submissions, orders, reports |
//! | `run.rs`, `run/` | one topology on this machine: its spaces, their messages, their process |
//! | `values.rs` | what spaces store, and their intelligence caches |
//! | `book.rs`, `book/` | lines and events of a topology |
//! | `descriptors.rs` | what may be open, and what to do where that is too little |
//! | `image.rs` | images of spaces, where they take no memory |
//! | `machine.rs` | an application on a machine of its own, as the desk sees it |
//! | `shown.rs` | what is shown, wherever it runs |
//! | `question.rs` | what a parent is asked, and what it answers |
//! | `server.rs`, `client.rs` | the two ends of the socket |
#![forbid(unsafe_code)]

pub mod application;
pub mod book;
pub mod client;
pub mod descriptors;
pub mod home;
pub mod host;
mod image;
pub mod machine;
pub mod question;
mod run;
pub mod server;
mod shown;
mod values;

pub use application::{Application, Content, Loader, StandIn};
pub use home::{Home, Lock};
pub use host::Host;
pub use image::Image;
pub use question::Problem;
pub use run::{ANSWERS, Sources, certificates, missing_of, secrets};
