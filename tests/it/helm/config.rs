//! Configs as users write them, in YAML of every style, over several files and `--set`.

use super::dice::Dice;

const DISTROS: [&str; 3] = ["k8s", "k3s", "k0s"];
const TRUE: [&str; 8] = ["true", "True", "TRUE", "yes", "Yes", "on", "On", "y"];
const FALSE: [&str; 8] = ["false", "False", "FALSE", "no", "NO", "off", "Off", "n"];
const NULL: [&str; 4] = ["null", "~", "Null", "NULL"];
/// Some are a chart's own; the last are no strings, or words for nothing.
const TAGS: [&str; 17] = [
    "v1.30.2",
    "v1.31.1",
    "v1.32.1",
    "v1.32.1",
    "\"v1.29.6\"",
    "'1.28.4'",
    "v1.33.4-full",
    "v1.30.2-eks-1-30-10",
    "v1.31.2-k3s1",
    "v1.35.0@sha256:0f1e2d3c",
    "latest",
    "\"1.30\"",
    "! 1.30",
    "\"\"",
    "null",
    "~",
    "1.30",
];
const VERSIONS: [&str; 8] = [
    "v1.31.1",
    "v1.29.0",
    "\"v1.33.4\"",
    "1.28.4",
    "''",
    "\"\"",
    "null",
    "v1.34.0",
];
const REGISTRIES: [&str; 8] = [
    "my.registry:5000",
    "ghcr.io",
    "\"registry.k8s.io\"",
    "\"\"",
    "ecr.example/team",
    "reg.example/",
    "null",
    "localhost",
];
const REPOSITORIES: [&str; 6] = [
    "loft-sh/kubernetes",
    "mirror/kube-apiserver",
    "rancher/k3s",
    "\"k0sproject/k0s\"",
    "null",
    "\"\"",
];
const HOSTS: [&str; 5] = [
    "v1.31.7",
    "1.30.9",
    "v1.32.0-eks-5ca49cb",
    "v1.31.1",
    "v1.29.3+k3s1",
];
/// Assignments; a `?` stands for a distro.
const SETS: [&str; 20] = [
    "controlPlane.distro.?.enabled=true",
    "controlPlane.distro.?.enabled=false",
    "controlPlane.distro.?.enabled=TRUE",
    "controlPlane.distro.?.enabled=null",
    "controlPlane.distro.?.image.tag=v1.32.9",
    "controlPlane.distro.?.image.tag=null",
    "controlPlane.distro.?.image=null",
    "controlPlane.distro.?=null",
    "controlPlane.distro.?.image.registry=",
    "controlPlane.distro.?.image.registry=my.registry:5000,controlPlane.distro.?.image.tag=v1.2.3",
    "controlPlane.distro.?.extraArgs={--a=b,--c}",
    "controlPlane.distro.?.env[0].name=A,controlPlane.distro.?.env[0].value=",
    "controlPlane.distro.k8s.version=v1.31.9",
    "controlPlane.distro.k8s.version=null",
    "controlPlane.distro.k8s.apiServer.image.tag=v1.30.2",
    "controlPlane.distro.k8s.scheduler.image.repository=a/b",
    "controlPlane.advanced.defaultImageRegistry=reg.example",
    "controlPlane.advanced.virtualScheduler.enabled=true",
    "privateNodes.enabled=true",
    "privateNodes.importNodeBinaries=true",
];
/// And for `--set-string`.
const STRINGS: [&str; 4] = [
    "controlPlane.distro.?.image.tag=1.30",
    "controlPlane.distro.k8s.version=null",
    "controlPlane.advanced.defaultImageRegistry=",
    "controlPlane.distro.?.image.repository=a\\,b",
];

/// One config, and for whom it is.
pub(super) struct Case {
    pub(super) chart: &'static str,
    /// The host cluster's Kubernetes version.
    pub(super) host: &'static str,
    /// What `--values` names, lowest first.
    pub(super) files: Vec<String>,
    /// `--set`, in order.
    pub(super) sets: Vec<String>,
    /// `--set-string`, in order.
    pub(super) strings: Vec<String>,
}

/// A piece of YAML.
enum Piece {
    /// A scalar or alias, as it is written.
    Scalar(&'static str),
    Map(Vec<(&'static str, Self)>),
}

impl Case {
    pub(super) fn generate(dice: &mut Dice, charts: &[&'static str]) -> Self {
        let chart = dice.pick(charts);
        let host = dice.pick(&HOSTS);
        let files = match dice.below(10) {
            0 => 0,
            1..=5 => 1,
            6..=8 => 2,
            _ => 3,
        };
        let files = (0..files).map(|_| file(dice)).collect();
        let mut assignments = |of: &[&str], percent| {
            let mut texts = Vec::new();
            while texts.len() < 3 && dice.chance(percent) {
                let text = dice.pick(of).replace('?', dice.pick(&DISTROS));
                texts.push(text);
            }
            texts
        };
        let sets = assignments(&SETS, 35);
        let strings = assignments(&STRINGS, 10);
        Self {
            chart,
            host,
            files,
            sets,
            strings,
        }
    }
}

/// A values file; sometimes with an image that others are made from.
fn file(dice: &mut Dice) -> String {
    if dice.chance(3) {
        return "# nothing\n".to_owned();
    }
    let mut text = String::new();
    let shared = dice.chance(30);
    if shared {
        let image = image(dice, false);
        let anchors = dice.pick(&["shared: &image", "x-image: &image"]);
        text.push_str(anchors);
        write(&mut text, dice, &image, 2, false);
    }
    let mut root = Vec::new();
    let control_plane = control_plane(dice, shared);
    root.push(("controlPlane", nullable(dice, 1, control_plane)));
    if dice.chance(35) {
        let mut nodes = vec![("enabled", bool(dice))];
        if dice.chance(60) {
            nodes.push(("importNodeBinaries", bool(dice)));
        }
        root.push(("privateNodes", nullable(dice, 4, Piece::Map(nodes))));
    }
    for (key, piece) in &root {
        text.push_str(key);
        text.push(':');
        write(&mut text, dice, piece, 2, false);
    }
    text
}

fn control_plane(dice: &mut Dice, shared: bool) -> Piece {
    let mut entries = Vec::new();
    if dice.chance(92) {
        let mut distros = Vec::new();
        for (key, percent) in [("k8s", 70), ("k3s", 40), ("k0s", 25)] {
            if dice.chance(percent) {
                let distro = distro(dice, key, shared);
                distros.push((key, nullable(dice, 3, distro)));
            }
        }
        entries.push(("distro", nullable(dice, 2, Piece::Map(distros))));
    }
    if dice.chance(50) {
        let mut advanced = Vec::new();
        if dice.chance(70) {
            let registry = Piece::Scalar(dice.pick(&REGISTRIES));
            advanced.push(("defaultImageRegistry", registry));
        }
        if dice.chance(30) {
            let scheduler = Piece::Map(vec![("enabled", bool(dice))]);
            advanced.push(("virtualScheduler", nullable(dice, 3, scheduler)));
        }
        entries.push(("advanced", nullable(dice, 3, Piece::Map(advanced))));
    }
    Piece::Map(entries)
}

fn distro(dice: &mut Dice, key: &str, shared: bool) -> Piece {
    let mut entries = Vec::new();
    if dice.chance(70) {
        // several at once are to be seen, but not most of the time
        let enabled = if dice.chance(55) {
            Piece::Scalar(dice.pick(&FALSE))
        } else {
            bool(dice)
        };
        entries.push(("enabled", enabled));
    }
    if key == "k8s" {
        if dice.chance(40) {
            entries.push(("version", Piece::Scalar(dice.pick(&VERSIONS))));
        }
        for component in ["apiServer", "controllerManager", "scheduler"] {
            if dice.chance(25) {
                let mut parts = Vec::new();
                if dice.chance(30) {
                    parts.push(("enabled", bool(dice)));
                }
                if dice.chance(80) {
                    let image = image(dice, shared);
                    parts.push(("image", nullable(dice, 4, image)));
                }
                entries.push((component, nullable(dice, 3, Piece::Map(parts))));
            }
        }
    }
    if dice.chance(55) {
        let image = image(dice, shared);
        entries.push(("image", nullable(dice, 4, image)));
    }
    if dice.chance(15) {
        let memory = Piece::Map(vec![("memory", Piece::Scalar("1Gi"))]);
        entries.push(("resources", Piece::Map(vec![("limits", memory)])));
    }
    if dice.chance(3) && !entries.is_empty() {
        // written twice: the last one counts
        entries.push(("enabled", bool(dice)));
    }
    Piece::Map(entries)
}

fn image(dice: &mut Dice, shared: bool) -> Piece {
    if shared && dice.chance(20) {
        return Piece::Scalar("*image");
    }
    let mut entries = Vec::new();
    if shared && dice.chance(40) {
        entries.push(("<<", Piece::Scalar("*image")));
    }
    for (key, values, percent) in [
        ("registry", &REGISTRIES[..], 40),
        ("repository", &REPOSITORIES[..], 30),
        ("tag", &TAGS[..], 70),
    ] {
        if dice.chance(percent) {
            entries.push((key, Piece::Scalar(dice.pick(values))));
        }
    }
    Piece::Map(entries)
}

fn bool(dice: &mut Dice) -> Piece {
    Piece::Scalar(match dice.below(20) {
        0 => dice.pick(&NULL),
        1 if dice.chance(20) => "\"true\"",
        1..=9 => dice.pick(&TRUE),
        _ => dice.pick(&FALSE),
    })
}

/// The piece, or null in so many cases of a hundred, and once in a while no map at all.
fn nullable(dice: &mut Dice, percent: usize, piece: Piece) -> Piece {
    if dice.chance(percent) {
        Piece::Scalar(dice.pick(&NULL))
    } else if dice.below(250) == 0 {
        Piece::Scalar(dice.pick(&["x", "[]", "5", "true", "{}"]))
    } else {
        piece
    }
}

/// Writes a value behind its key.
fn write(text: &mut String, dice: &mut Dice, piece: &Piece, indent: usize, flow: bool) {
    match piece {
        // nothing at all is null, too
        Piece::Scalar("Null") if !flow => text.push('\n'),
        Piece::Scalar(scalar) => {
            text.push(' ');
            text.push_str(scalar);
            if !flow {
                text.push('\n');
            }
        }
        Piece::Map(entries) if flow || entries.is_empty() || dice.chance(25) => {
            text.push_str(" {");
            for (number, (key, piece)) in entries.iter().enumerate() {
                text.push_str(if number == 0 { "" } else { ", " });
                text.push_str(key);
                text.push(':');
                write(text, dice, piece, indent, true);
            }
            text.push_str(if flow { "}" } else { "}\n" });
        }
        Piece::Map(entries) => {
            text.push('\n');
            for (key, piece) in entries {
                text.push_str(&" ".repeat(indent));
                text.push_str(key);
                text.push(':');
                write(text, dice, piece, indent + 2, false);
            }
        }
    }
}
