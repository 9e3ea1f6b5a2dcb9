//! `unhang generate`: the same decision as configuration files for other programs.

use std::path::{Path, PathBuf};

use super::{Output, Status, load_rules};
use crate::cli::{Common, GenerateArgs, ROOT};
use crate::generate::machine::Machine;
use crate::generate::request::{By, NoRequest, Request, Wanted};
use crate::generate::{FORMATS, Format, Generated, write};
use crate::nic::InvalidNic;
use crate::rules::RuleSet;
use crate::running_kernel::ifindex_of_altname;
use crate::text::printable;

pub fn run(args: &GenerateArgs, common: &Common) -> anyhow::Result<Output> {
    let (rules, mut output) = load_rules(common, &args.root);
    let Some(format) = FORMATS.iter().find(|format| format.name == args.format) else {
        output.errors = unknown_format(&args.format);
        output.status = Status::Usage;
        return Ok(output);
    };
    if let Err((status, problem)) = generate(args, format, &rules, &mut output) {
        output.error(&problem);
        output.status = status;
    }
    Ok(output)
}

fn generate(
    args: &GenerateArgs,
    format: &Format,
    rules: &RuleSet,
    output: &mut Output,
) -> Result<(), (Status, String)> {
    let mut wanted = wanted(args).map_err(|problem| (Status::Usage, format!("--as: {problem}")))?;
    let mut machine = Machine::read(&args.root);
    machine.systemd = args.systemd.or(machine.systemd);
    if let Wanted::Nic(name) = &mut wanted {
        resolve_altname(name, &machine);
    }
    let by = match args.by.as_deref() {
        Some("path") => By::Path,
        _ => By::Mac,
    };
    let request = Request::new(&machine, rules, format.name, &wanted, by).map_err(|problem| {
        let status = match problem {
            NoRequest::NoSuchNic(..) => Status::NoSuchNic,
            NoRequest::NoSuchRule(..) | NoRequest::WhichRule(_) => Status::Usage,
            _ => Status::Failed,
        };
        (status, problem.to_string())
    })?;
    let files = format
        .files(&request)
        .map_err(|refusal| (Status::Failed, format!("not generated: {}", refusal.0)))?;
    deliver(args, format, &request, &files, output).map_err(|problem| (Status::Failed, problem))
}

fn unknown_format(name: &str) -> String {
    let line = |format: &Format| format!("  {:15} {}\n", format.name, format.about);
    let lines = FORMATS.iter().map(line).collect::<Vec<_>>();
    format!(
        "unhang: there is no format '{}'; there are:\n{}",
        printable(name),
        lines.concat()
    )
}

fn wanted(args: &GenerateArgs) -> Result<Wanted, InvalidNic> {
    Ok(match (&args.nic, &args.rule, &args.as_nic) {
        (Some(name), ..) => Wanted::Nic(name.clone()),
        (_, Some(rule), _) => Wanted::Rule(rule.clone()),
        (.., Some(words)) => Wanted::Imagined(words.parse()?, words.clone()),
        _ => Wanted::OnlyRule,
    })
}

/// Files call a NIC by its first name; a stopped system's alternative names are not known.
fn resolve_altname(name: &mut String, machine: &Machine) {
    if machine.nic(name).is_some() || machine.root != Path::new(ROOT) {
        return;
    }
    let ifindex = ifindex_of_altname(name);
    let present = machine.nics.iter().find(|p| Some(p.nic.ifindex) == ifindex);
    if let Some(present) = present {
        name.clone_from(&present.nic.name);
    }
}

/// Where the files go: to the place asked for, to where they belong, or (`None`) to stdout.
fn target(
    args: &GenerateArgs,
    format: &Format,
    machine: &Machine,
) -> std::io::Result<Option<PathBuf>> {
    match (&args.output, format.dir) {
        _ if args.dry_run => Ok(None),
        (Some(dir), _) => Ok(Some(dir.clone())),
        (None, dir) => dir.map(|dir| machine.real(Path::new(dir))).transpose(),
    }
}

fn deliver(
    args: &GenerateArgs,
    format: &Format,
    request: &Request<'_>,
    files: &[Generated],
    output: &mut Output,
) -> Result<(), String> {
    let target = target(args, format, request.machine).map_err(|error| {
        let dir = format.dir.unwrap_or_default();
        format!("{dir} cannot be written: {error}")
    })?;
    for (index, file) in files.iter().enumerate() {
        let text = write::full_text(file, request);
        if let Some(dir) = &target {
            let path = dir.join(&file.file_name);
            write::write(&path, &text, format.mode).map_err(|error| error.to_string())?;
            output.result += &format!("{}\n", printable(&shown(&path)));
        } else {
            let name = Path::new(format.dir.unwrap_or_default()).join(&file.file_name);
            if index > 0 {
                output.result.push('\n');
            }
            output.result += &printable_lines(&text);
            output.notice(&format!("this is {}", shown(&name)));
        }
    }
    for remark in files.iter().flat_map(|file| &file.remarks) {
        let word = remark.topic.word();
        output.notices += &format!("  {word}: {}\n", printable(&remark.text));
    }
    Ok(())
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// A text of many lines without what could steer a terminal.
fn printable_lines(text: &str) -> String {
    let parts = text.split_inclusive(['\n', '\t']).map(|part| {
        let end = part.len() - usize::from(part.ends_with(['\n', '\t']));
        printable(&part[..end]) + &part[end..]
    });
    parts.collect::<Vec<_>>().concat()
}
