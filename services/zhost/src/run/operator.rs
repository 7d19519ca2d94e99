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
        self.operator = self.operator.or_else(|| self.start_end(run, OPERATOR));
    }

    /// Says what spaces answer to whoever operates them.
    pub fn take_answers(&mut self, run: &Run) {
        let Some(number) = self.operator else { return };
        for message in self.take_at(run, Instance { space: OPERATOR, number }) {
            let shown = &message.body[..message.body.len().min(ANSWER_BYTES_SHOWN)];
            let more = message.body.len() - shown.len();
            let shown = String::from_utf8_lossy(shown);
            let more = if more > 0 { format!(" and {more} bytes more") } else { String::new() };
            run.book.event(&message.id.space, &format!("it answers `{}`{more}", shown.escape_debug()));
        }
    }
}
