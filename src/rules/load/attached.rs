//! Files that rules name: template files and attachments, with what is wrong about them.

use super::{Loader, TextSource};
use crate::diagnostics::{Diagnostic, Source, code};
use crate::yaml::{Node, did_you_mean};
use crate::{
    model::Attachment,
    rules::{
        files::{AllowedFile, FileRefusal, MAX_ATTACHED_BYTES},
        schema::MAX_ATTACHMENTS,
        sources::RuleSources,
        template::TemplateRef,
    },
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

const MAX_TEMPLATE_BYTES: u64 = 256 * 1024;

impl Loader<'_> {
    /// A path of a rule, relative to the folder of its file or to one of `attachments_from`: a file that may be used, open.
    fn file_at(&mut self, node: &Node) -> Option<(PathBuf, AllowedFile)> {
        let written = node.non_empty_string(&mut self.out)?;
        let folders = std::iter::once(&self.folder).chain(&self.context.attachments_from);
        let places: Vec<PathBuf> = folders.map(|folder| folder.join(&written)).collect();
        // What is there counts, even where it may not be used: another file of its name must not stand in for it.
        let path = places.iter().find(|path| path.symlink_metadata().is_ok()).or(places.first())?.clone();
        match self.files.open(&path) {
            Ok(file) => Some((path, file)),
            Err(FileRefusal::Missing) => {
                self.missing(node, &written, &path);
                None
            }
            Err(refused) => {
                self.refused(node, &written, &refused);
                None
            }
        }
    }

    fn missing(&mut self, node: &Node, written: &str, path: &Path) {
        if path.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
            let message = format!("`{written}` is a link to a file that is not there");
            self.out.push(Diagnostic::error(code::NO_FILE, node, message).hint("put the file itself there"));
            return;
        }
        if written.contains('\n') || written.contains("{{") {
            let error = Diagnostic::error(code::NO_FILE, node, "this names a file, and a text stands here");
            self.out.push(error.hint("write a text under `text`, or `html`; or put it into a file and name that here"));
            return;
        }
        let error = Diagnostic::error(code::NO_FILE, node, format!("there is no file `{written}`"));
        let beside = path.parent().and_then(|folder| std::fs::read_dir(folder).ok());
        let names =
            beside.into_iter().flatten().flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        self.out.push(match did_you_mean(&name, names.iter().map(String::as_str)) {
            Some(near) => error.hint(format!("did you mean `{}`?", written.replace(&name, near))),
            None => error.hint(format!("paths begin at the folder of this file; looked for {}", path.display())),
        });
    }

    fn refused(&mut self, node: &Node, written: &str, refused: &FileRefusal) {
        let code = match refused {
            FileRefusal::Unreadable(_) => code::UNREADABLE,
            _ => code::FORBIDDEN_FILE,
        };
        let found = Diagnostic::error(code, node, format!("`{written}` is not used: {refused}"));
        self.out.push(match refused {
            FileRefusal::Outside => found.hint(
                "put the file below the folder of the rules, or name its folder in the configuration: \
                 `attachments_from: FOLDER`",
            ),
            FileRefusal::Hidden => found.hint("give it, and the folders it is in, names that do not begin with a dot"),
            FileRefusal::NotAFile(_) => found.hint("name a file"),
            _ => found,
        });
    }

    /// A file that a rule of a kept set names, with its text if it is a template.
    fn kept_file(&mut self, node: &Node, kept: &RuleSources) -> Option<(PathBuf, Option<String>)> {
        let written = node.non_empty_string(&mut self.out)?;
        match kept.find_named(&self.folder, &written) {
            Some((path, text)) => Some((path, text.map(str::to_owned))),
            None => {
                self.out.push(Diagnostic::error(code::NO_FILE, node, format!("`{written}` was not kept")));
                None
            }
        }
    }

    pub(super) fn template_file(&mut self, node: &Node, name: &str) -> Option<(TemplateRef, bool)> {
        let (path, html, text) = match self.kept {
            Some(kept) => {
                let (path, text) = self.kept_file(node, kept)?;
                let html = path.extension().is_some_and(|extension| extension == "html");
                (path, html, text.unwrap_or_default())
            }
            None => self.read_template(node)?,
        };
        self.sources.add_named(&self.folder, node.text(), &path, Some(&text));
        let shown = path.display().to_string();
        self.add_to_revision(&shown, &text);
        let source = Source::new(shown, text.as_str());
        self.lint_blanks(&text, &TextSource::File(Arc::clone(&source)));
        let at = TextSource::File(source);
        Some((self.add_template(name, html, &text, at)?, html))
    }

    /// A template file: where it is, whether it is HTML, and what it says.
    fn read_template(&mut self, node: &Node) -> Option<(PathBuf, bool, String)> {
        let (path, file) = self.file_at(node)?;
        let html = match path.extension().and_then(|extension| extension.to_str()) {
            Some("html") => true,
            Some("txt") => false,
            _ => {
                let error = Diagnostic::error(code::BAD_TEMPLATE, node, "a template file ends in .txt or .html");
                self.out.push(error.hint("the ending says whether it is the plain text or the HTML"));
                return None;
            }
        };
        let text = match file.read(MAX_TEMPLATE_BYTES).map(String::from_utf8) {
            Ok(Ok(text)) if !text.trim().is_empty() => text,
            Ok(Ok(_)) => {
                self.out.push(Diagnostic::error(code::BAD_TEMPLATE, node, "the template file is empty"));
                return None;
            }
            Err(FileRefusal::TooLarge(_)) => {
                let message = "the template file is larger than 256 KiB";
                self.out.push(Diagnostic::error(code::BAD_TEMPLATE, node, message));
                return None;
            }
            Ok(Err(_)) => {
                let error = Diagnostic::error(code::UNREADABLE, node, "the file cannot be read: it is not UTF-8 text");
                self.out.push(error.hint("save the file in the encoding UTF-8"));
                return None;
            }
            Err(error) => {
                self.out.push(Diagnostic::error(code::UNREADABLE, node, format!("the file is not used: {error}")));
                return None;
            }
        };
        Some((path, html, text))
    }

    pub(super) fn attachments(&mut self, node: &Node) -> Vec<Attachment> {
        let items = node.list_or_one();
        if items.len() > MAX_ATTACHMENTS {
            let message = format!("{} attachments: a reply carries at most {MAX_ATTACHMENTS}", items.len());
            self.out.push(Diagnostic::error(code::ATTACHMENTS, node, message));
        }
        let mut total = 0;
        let mut found = Vec::new();
        for item in items {
            let place = match self.kept {
                Some(kept) => self.kept_file(item, kept).map(|(path, _)| path),
                None => self.file_at(item).map(|(path, file)| {
                    total += file.length();
                    path
                }),
            };
            let Some(path) = place else { continue };
            self.sources.add_named(&self.folder, item.text(), &path, None);
            let filename = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let content_type = content_type(&filename).to_owned();
            found.push(Attachment { path, filename, content_type });
        }
        if total > MAX_ATTACHED_BYTES {
            let message = format!("the attachments have {:.1} MB together; 10 MB is the most", total as f64 / 1e6);
            self.out.push(Diagnostic::error(code::ATTACHMENTS, node, message));
        }
        found
    }
}

fn content_type(filename: &str) -> &'static str {
    let extension = filename.rsplit_once('.').map(|(_, extension)| extension.to_lowercase()).unwrap_or_default();
    match extension.as_str() {
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        "csv" => "text/csv",
        "html" | "htm" => "text/html",
        "ics" => "text/calendar",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "zip" => "application/zip",
        "doc" => "application/msword",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xls" => "application/vnd.ms-excel",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "ppt" => "application/vnd.ms-powerpoint",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        _ => "application/octet-stream",
    }
}
