//! What the memory behind a view belongs to.

use super::{Body, Root};
use compiler_mir::ir::LocalKind;
use compiler_syntax::tree::{self, Expr, ExprKind};
use std::collections::BTreeSet;

impl Body<'_, '_> {
    /// What the memory behind an expression of view type is rooted in.
    pub(super) fn roots(&mut self, expr: &Expr) -> BTreeSet<Root> {
        match &*expr.kind {
            ExprKind::Name(name) => {
                let found = self.lookup(name.as_str()).map(|binding| {
                    (binding.local, binding.ty.clone(), binding.roots.clone(), binding.name.clone())
                });
                let Some((local, ty, mut roots, name)) = found else {
                    return std::iter::once(Root::Outside).collect();
                };
                if !ty.holds_view() {
                    roots.clear();
                }
                // A scalar has no memory that a view could look at.
                if !ty.is_scalar() {
                    let own = self.function.locals[local.index()].kind == LocalKind::Value;
                    roots.insert(if own { Root::Frame(name) } else { Root::Outside });
                }
                roots
            }
            ExprKind::Field(base, _) | ExprKind::Index(base, _) | ExprKind::Try(base) => self.roots(base),
            ExprKind::Tuple(parts) | ExprKind::Array(parts) => {
                let own = matches!(&*expr.kind, ExprKind::Array(_)).then(|| Root::Frame("this array".into()));
                parts.iter().flat_map(|part| self.roots(part)).chain(own).collect()
            }
            ExprKind::Repeat(..) => std::iter::once(Root::Frame("this array".into())).collect(),
            ExprKind::Call(callee, arguments) => {
                let mut roots: BTreeSet<Root> =
                    arguments.iter().flat_map(|argument| self.roots(&argument.value)).collect();
                if let ExprKind::Field(base, _) = &*callee.kind {
                    roots.extend(self.roots(base));
                }
                roots
            }
            ExprKind::If(_, then, otherwise) => {
                let mut roots = self.block_roots(then);
                roots.extend(otherwise.iter().flat_map(|other| self.roots(other)));
                roots
            }
            ExprKind::Match(value, arms) => {
                let mut roots = self.roots(value);
                roots.extend(arms.iter().flat_map(|arm| self.roots(&arm.value)));
                roots
            }
            ExprKind::Block(block) => self.block_roots(block),
            ExprKind::Or(left, right) => {
                let mut roots = self.roots(left);
                roots.extend(self.roots(right));
                roots
            }
            _ => std::iter::once(Root::Outside).collect(),
        }
    }

    pub(super) fn block_roots(&mut self, block: &tree::Block) -> BTreeSet<Root> {
        match block.statements.last().map(|statement| &statement.kind) {
            Some(tree::StmtKind::Expr(value)) => self.roots(value),
            _ => std::iter::once(Root::Outside).collect(),
        }
    }
}
