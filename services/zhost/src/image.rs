//! Images of spaces that are to run, where they take no memory.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

/// A signed image.
#[derive(Clone, Debug)]
pub enum Image {
    /// In memory.
    Held(Vec<u8>),
    /// In a file that has no name, so that nobody else changes it.
    Stowed {
        /// The file.
        file: Arc<File>,
        /// Where the image begins.
        at: u64,
        /// Its bytes.
        bytes: usize,
    },
}

impl Image {
    /// Its bytes.
    pub fn bytes(&self) -> io::Result<Cow<'_, [u8]>> {
        match self {
            Self::Held(bytes) => Ok(Cow::Borrowed(bytes)),
            Self::Stowed { file, at, bytes } => {
                let mut read = vec![0; *bytes];
                file.read_exact_at(&mut read, *at)?;
                Ok(Cow::Owned(read))
            }
        }
    }
}

/// Moves images out of memory, into a file in a folder.
pub fn stow<'i>(images: impl Iterator<Item = &'i mut Image>, folder: &Path) -> io::Result<()> {
    let file = Arc::new(tempfile::tempfile_in(folder)?);
    let mut end = 0;
    for image in images {
        let Image::Held(held) = image else { continue };
        (&*file).write_all(held)?;
        let (at, bytes) = (end, held.len());
        end += bytes as u64;
        *image = Image::Stowed { file: Arc::clone(&file), at, bytes };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stowed_is_read_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let all: Vec<Vec<u8>> = vec![vec![1; 5000], Vec::new(), vec![2, 3]];
        let mut images: Vec<Image> = all.iter().cloned().map(Image::Held).collect();
        for _ in 0..2 {
            stow(images.iter_mut(), folder.path()).expect("there is room");
            assert!(images.iter().all(|image| matches!(image, Image::Stowed { .. })));
            let read = images.iter().map(|image| image.bytes().expect("it is there").into_owned());
            assert_eq!(read.collect::<Vec<_>>(), all);
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("it is there").count(), 0);
        assert!(stow(images.iter_mut(), &folder.path().join("none")).is_err());
    }
}
