//! What a person wrote anew in a mail, and what kind of mail it is: quoted history, HTML, automatic mail, opt-outs.
