//! What `apply` makes of a file: the difference to the centre that is, or all that is wrong with it.

use std::path::Path;

use anyhow::Context as _;
use config::{Centre, Change, Snapshot};
use serde::{Deserialize, Serialize};

use crate::centre::seal;

/// What the command line asks for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Wish {
    /// The file's name, for messages.
    pub(crate) file: String,
    /// Its text.
    pub(crate) text: String,
    /// Only to print what would change.
    pub(crate) dry_run: bool,
    /// To delete what the file does not name.
    pub(crate) prune: bool,
}

impl Wish {
    /// Reads the file.
    pub(crate) fn read(file: &Path, dry_run: bool, prune: bool) -> anyhow::Result<Self> {
        let name = file.display().to_string();
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
        Ok(Self {
            file: name,
            text,
            dry_run,
            prune,
        })
    }
}

/// The centre as it shall be, and what is different in it.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Its passwords are sealed.
    pub(crate) centre: Centre,
    pub(crate) changes: Vec<Change>,
}

/// Why there is no plan.
#[derive(Debug)]
pub(crate) enum NoPlan {
    /// All that is wrong, as it is printed.
    Faults(String),
    /// Something failed that is not the file's fault.
    Failed(anyhow::Error),
}

/// Works out what the file changes. Takes some tens of milliseconds for each new user with a password.
pub(crate) fn plan(current: &Snapshot, wish: &Wish) -> Result<Plan, NoPlan> {
    let mut centre = config::apply_centre(&wish.text, &wish.file, current, wish.prune)
        .map_err(|faults| NoPlan::Faults(faults.render()))?;
    seal(&mut centre, &current.settings.sip.domain).map_err(NoPlan::Failed)?;
    let changes = config::diff(&current.centre, &centre);
    Ok(Plan { centre, changes })
}

/// The last line of what `apply` prints.
pub(crate) fn summary(changes: usize, dry_run: bool, version: u64) -> String {
    let changes = match changes {
        0 => return "nothing changes".into(),
        1 => "1 change".into(),
        more => format!("{more} changes"),
    };
    if dry_run {
        format!("{changes}, not made (dry run)")
    } else {
        format!("{changes}, now version {version}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const QUEUE: &str = "[[queues]]\nname = \"support\"\nnumber = \"2000\"\n";

    fn current(text: &str) -> Snapshot {
        let mut centre = config::parse_centre(text, "test").unwrap();
        seal(&mut centre, "lampfield.local").unwrap();
        Snapshot {
            version: 4,
            settings: Arc::default(),
            centre: Arc::new(centre),
        }
    }

    fn wish(text: &str, prune: bool) -> Wish {
        Wish {
            file: "c.toml".into(),
            text: text.into(),
            dry_run: false,
            prune,
        }
    }

    fn changes(current: &Snapshot, wish: &Wish) -> Vec<String> {
        plan(current, wish)
            .unwrap()
            .changes
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    fn faults(current: &Snapshot, text: &str) -> String {
        match plan(current, &wish(text, false)) {
            Err(NoPlan::Faults(faults)) => faults,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_difference_is_what_the_file_says_and_nothing_is_deleted_unless_asked() {
        let current = current(QUEUE);
        let other = "[[queues]]\nname = \"sales\"\nnumber = \"2001\"\n";
        assert_eq!(changes(&current, &wish(other, false)), ["+ queue sales"]);
        assert_eq!(
            changes(&current, &wish(other, true)),
            ["+ queue sales", "- queue support"]
        );
        assert!(changes(&current, &wish(QUEUE, true)).is_empty());
    }

    #[test]
    fn applying_an_export_or_the_same_passwords_again_changes_nothing() {
        let user = "[[users]]\nusername = \"alice\"\npassword = \"correct horse battery\"\nextension = \"1001\"\nsip_password = \"secret\"\n";
        let current = current(user);
        assert!(changes(&current, &wish(user, true)).is_empty());
        assert!(changes(&current, &wish(&config::export(&current.centre), true)).is_empty());
    }

    #[test]
    fn faults_of_the_file_alone_and_together_with_what_is_there_are_said() {
        let current = current(QUEUE);
        let broken = faults(
            &current,
            "[[queues]]\nname = \"x\"\nnumbr = \"1\"\n[[users]]\nusername = \"b b\"\n",
        );
        assert!(
            broken.contains("c.toml:3") && broken.contains("c.toml:5"),
            "{broken}"
        );
        let taken = faults(
            &current,
            "[[queues]]\nname = \"sales\"\nnumber = \"2000\"\n",
        );
        assert!(
            taken.contains("2000") && taken.contains("support") && taken.contains("c.toml:3"),
            "{taken}"
        );
        let short = faults(
            &current,
            "[[users]]\nusername = \"bob\"\npassword = \"short\"\n",
        );
        assert!(
            short.contains("password_min_length") && short.contains("c.toml:3"),
            "{short}"
        );
    }

    #[test]
    fn a_file_may_name_what_is_there_already_unless_that_is_deleted() {
        let current = current(QUEUE);
        let user = "[[users]]\nusername = \"bob\"\nqueues = [\"support\"]\n";
        assert_eq!(changes(&current, &wish(user, false)), ["+ user bob"]);
        let Err(NoPlan::Faults(faults)) = plan(&current, &wish(user, true)) else {
            panic!("the queue is gone");
        };
        assert!(
            faults.contains("c.toml:3") && faults.contains("no queue"),
            "{faults}"
        );
    }

    #[test]
    fn the_summary_counts() {
        assert_eq!(summary(0, false, 4), "nothing changes");
        assert_eq!(summary(1, true, 4), "1 change, not made (dry run)");
        assert_eq!(summary(2, false, 5), "2 changes, now version 5");
    }
}
