//! Whoever operates the spaces, as one who sends: what is answered comes back here, and not to the space itself.

use super::Run;
use super::house::House;
use crate::application::Application;
use services_zmesh::{Declaration, Instance, PathDeclaration, PathRules};

/// What an operator is called among the spaces.
pub const OPERATOR: &str = "@operator";
/// Bytes of an answer that are shown.
const ANSWER_BYTES_SHOWN: usize = 256;

/// Declares what leads from an operator to each space.
pub fn declare(application: &Application, declaration: &mut Declaration) {
    let path = |name: &str| PathDeclaration {
        from: OPERATOR.to_owned(),
        name: name.to_owned(),
        to: name.to_owned(),
        rules: PathRules::default(),
    };
    declaration.paths.extend(application.graph.spaces.iter().map(|node| path(node.name.as_str())));
    declaration.spaces.push(OPERATOR.to_owned());
}

impl House {
    /// Whoever operates the spaces can send from now on.
    pub fn take_operator(&mut self, run: &Run) {
        if self.operator.is_none() {
            let number = self.mesh.next_instance(OPERATOR).unwrap_or(1);
            // It was declared a moment ago, and this is its next number.
            if self.mesh.start(Instance { space: OPERATOR, number }, run.now()).is_ok() {
                self.operator = Some(number);
            }
        }
    }

    /// Says what spaces answer to whoever operates them.
    pub fn take_answers(&mut self, run: &Run) {
        let Some(number) = self.operator else { return };
        let instance = Instance { space: OPERATOR, number };
        while let Ok(message) = self.mesh.take(instance, usize::MAX, run.now()) {
            let shown = &message.body[..message.body.len().min(ANSWER_BYTES_SHOWN)];
            let more = message.body.len() - shown.len();
            let shown = String::from_utf8_lossy(shown);
            let more = if more > 0 { format!(" and {more} bytes more") } else { String::new() };
            run.book.event(&message.id.space, &format!("it answers `{}`{more}", shown.escape_debug()));
        }
        // It runs: it has just taken.
        let _ = self.mesh.finish(instance, run.now());
    }
}
