//! What is expected of every outcome and kind.
//!
//! *At once*: state, reason, when it is due again, and the requests so far, writes (`w`, of any kind) and reads (`r`, of
//! the API). *It lasts* and *it passes*: state and reason at the end, tries (`t`), requests, and how often it took effect
//! (`e`). What still waits at the end goes on like that.
//!
//! Where *nobody listens*, connections that stand still serve, such as the one for reads; with *no network* they are gone.

// outcome        | kind          | at once                       | it lasts                         | it passes
pub(super) const TABLE: &str = "
nobody listens   | reply         | retrying unreachable +2s 0w1r | failed unreachable 4t 0w4r 0e    | done - 2t 1w2r 1e
no network       | reply         | waiting unreachable +30s 0w0r | waiting unreachable 0t 0w0r 0e   | done - 1t 1w1r 1e
no network       | star unstar   | retrying unreachable +2s 0w0r | waiting unreachable 1t 0w0r 0e   | done - 2t 1w1r 1e
nobody listens   | star unstar   | retrying unreachable +2s 0w0r | failed unreachable 4t 0w3r 0e    | done - 2t 1w1r 1e
nobody listens   | mark_read     | retrying unreachable +2s 0w0r | failed unreachable 4t 0w0r 0e    | done - 2t 1w0r 1e
nobody listens   | slack webhook | retrying unreachable +2s 0w0r | failed unreachable 4t 0w0r 0e    | done - 2t 1w0r 1e
nobody listens   | email         | retrying unreachable +2s 0w0r | failed unreachable 4t 0w0r 0e    | done - 2t 1w0r 1e
closed before    | reply         | unknown ambiguous +5s 1w1r    | quarantined ambiguous 1t 1w7r 0e | quarantined ambiguous 1t 1w7r 0e
closed before    | star unstar   | retrying ambiguous +2s 1w0r   | quarantined ambiguous 4t 4w3r 0e | done - 2t 2w1r 1e
closed before    | mark_read     | retrying ambiguous +2s 1w0r   | failed ambiguous 4t 4w0r 0e      | done - 2t 2w0r 1e
closed before    | slack webhook | retrying unreachable +2s 1w0r | failed unreachable 4t 4w0r 0e    | done - 2t 2w0r 1e
closed after     | reply         | unknown ambiguous +5s 1w1r    | done - 1t 1w2r 1e                | done - 1t 1w2r 1e
closed after     | star unstar   | retrying ambiguous +2s 1w0r   | done - 1t 1w1r 1e                | done - 1t 1w1r 1e
closed after     | mark_read     | retrying ambiguous +2s 1w0r   | failed ambiguous 4t 4w0r 4e      | done - 2t 2w0r 2e
closed after     | slack webhook | retrying unreachable +2s 1w0r | failed unreachable 4t 4w0r 4e    | done - 2t 2w0r 2e
silent before    | reply         | unknown ambiguous +5s 1w1r    | quarantined ambiguous 1t 1w7r 0e | quarantined ambiguous 1t 1w7r 0e
silent before    | star unstar   | retrying ambiguous +2s 1w0r   | quarantined ambiguous 4t 4w3r 0e | done - 2t 2w1r 1e
silent before    | mark_read     | retrying ambiguous +2s 1w0r   | failed ambiguous 4t 4w0r 0e      | done - 2t 2w0r 1e
silent before    | slack webhook | retrying unreachable +2s 1w0r | failed unreachable 4t 4w0r 0e    | done - 2t 2w0r 1e
silent after     | reply         | unknown ambiguous +5s 1w1r    | done - 1t 1w2r 1e                | done - 1t 1w2r 1e
silent after     | star unstar   | retrying ambiguous +2s 1w0r   | done - 1t 1w1r 1e                | done - 1t 1w1r 1e
silent after     | mark_read     | retrying ambiguous +2s 1w0r   | failed ambiguous 4t 4w0r 4e      | done - 2t 2w0r 2e
silent after     | slack webhook | retrying unreachable +2s 1w0r | failed unreachable 4t 4w0r 4e    | done - 2t 2w0r 2e
garbage          | reply         | done - - 1w1r                 | done - 1t 1w1r 1e                | done - 1t 1w1r 1e
garbage          | star unstar   | retrying ambiguous +2s 1w0r   | done - 1t 1w1r 1e                | done - 1t 1w1r 1e
garbage          | mark_read     | done - - 1w0r                 | done - 1t 1w0r 1e                | done - 1t 1w0r 1e
garbage          | slack webhook | done - - 1w0r                 | done - 1t 1w0r 1e                | done - 1t 1w0r 1e
202              | reply         | done - - 1w1r                 | done - 1t 1w1r 1e                | done - 1t 1w1r 1e
202              | star unstar   | retrying ambiguous +2s 1w0r   | done - 1t 1w1r 1e                | done - 1t 1w1r 1e
202              | mark_read     | done - - 1w0r                 | done - 1t 1w0r 1e                | done - 1t 1w0r 1e
202              | slack webhook | done - - 1w0r                 | done - 1t 1w0r 1e                | done - 1t 1w0r 1e
204              | reply         | done - - 1w1r                 | done - 1t 1w1r 1e                | done - 1t 1w1r 1e
204              | star unstar   | retrying ambiguous +2s 1w0r   | done - 1t 1w1r 1e                | done - 1t 1w1r 1e
204              | mark_read     | done - - 1w0r                 | done - 1t 1w0r 1e                | done - 1t 1w0r 1e
204              | slack webhook | done - - 1w0r                 | done - 1t 1w0r 1e                | done - 1t 1w0r 1e
301              | reply         | unknown ambiguous +5s 1w1r    | quarantined ambiguous 1t 1w7r 0e | quarantined ambiguous 1t 1w7r 0e
301              | star unstar   | retrying ambiguous +2s 1w0r   | quarantined ambiguous 4t 4w3r 0e | done - 2t 2w1r 1e
301              | mark_read     | retrying ambiguous +2s 1w0r   | failed ambiguous 4t 4w0r 0e      | done - 2t 2w0r 1e
301              | slack webhook | failed refused - 1w0r         | failed refused 1t 1w0r 0e        | failed refused 1t 1w0r 0e
302              | reply         | unknown ambiguous +5s 1w1r    | quarantined ambiguous 1t 1w7r 0e | quarantined ambiguous 1t 1w7r 0e
302              | star unstar   | retrying ambiguous +2s 1w0r   | quarantined ambiguous 4t 4w3r 0e | done - 2t 2w1r 1e
302              | mark_read     | retrying ambiguous +2s 1w0r   | failed ambiguous 4t 4w0r 0e      | done - 2t 2w0r 1e
302              | slack webhook | failed refused - 1w0r         | failed refused 1t 1w0r 0e        | failed refused 1t 1w0r 0e
307              | reply         | unknown ambiguous +5s 1w1r    | quarantined ambiguous 1t 1w7r 0e | quarantined ambiguous 1t 1w7r 0e
307              | star unstar   | retrying ambiguous +2s 1w0r   | quarantined ambiguous 4t 4w3r 0e | done - 2t 2w1r 1e
307              | mark_read     | retrying ambiguous +2s 1w0r   | failed ambiguous 4t 4w0r 0e      | done - 2t 2w0r 1e
307              | slack webhook | failed refused - 1w0r         | failed refused 1t 1w0r 0e        | failed refused 1t 1w0r 0e
400              | reply         | failed refused - 1w1r         | failed refused 1t 1w1r 0e        | failed refused 1t 1w1r 0e
400              | star unstar   | failed refused - 1w0r         | failed refused 1t 1w0r 0e        | failed refused 1t 1w0r 0e
400              | mark_read     | failed refused - 1w0r         | failed refused 1t 1w0r 0e        | failed refused 1t 1w0r 0e
400              | slack webhook | failed refused - 1w0r         | failed refused 1t 1w0r 0e        | failed refused 1t 1w0r 0e
401              | reply         | waiting unauthorized - 1w1r   | waiting unauthorized 1t 1w1r 0e  | done - 2t 2w2r 1e
401              | star unstar   | waiting unauthorized - 1w0r   | waiting unauthorized 1t 1w0r 0e  | done - 2t 2w1r 1e
401              | mark_read     | waiting unauthorized - 1w0r   | waiting unauthorized 1t 1w0r 0e  | done - 2t 2w0r 1e
401              | slack webhook | failed unauthorized - 1w0r    | failed unauthorized 1t 1w0r 0e   | failed unauthorized 1t 1w0r 0e
403              | reply         | waiting unauthorized - 1w1r   | waiting unauthorized 1t 1w1r 0e  | done - 2t 2w2r 1e
403              | star unstar   | waiting unauthorized - 1w0r   | waiting unauthorized 1t 1w0r 0e  | done - 2t 2w1r 1e
403              | mark_read     | waiting unauthorized - 1w0r   | waiting unauthorized 1t 1w0r 0e  | done - 2t 2w0r 1e
403              | slack webhook | failed unauthorized - 1w0r    | failed unauthorized 1t 1w0r 0e   | failed unauthorized 1t 1w0r 0e
404              | reply         | failed refused - 1w1r         | failed refused 1t 1w1r 0e        | failed refused 1t 1w1r 0e
404              | star unstar   | failed refused - 1w0r         | failed refused 1t 1w0r 0e        | failed refused 1t 1w0r 0e
404              | mark_read     | failed refused - 1w0r         | failed refused 1t 1w0r 0e        | failed refused 1t 1w0r 0e
404              | slack webhook | failed refused - 1w0r         | failed refused 1t 1w0r 0e        | failed refused 1t 1w0r 0e
408              | reply         | unknown ambiguous +5s 1w1r    | quarantined ambiguous 1t 1w7r 0e | quarantined ambiguous 1t 1w7r 0e
408              | star unstar   | retrying ambiguous +2s 1w0r   | quarantined ambiguous 4t 4w3r 0e | done - 2t 2w1r 1e
408              | mark_read     | retrying ambiguous +2s 1w0r   | failed ambiguous 4t 4w0r 0e      | done - 2t 2w0r 1e
408              | slack webhook | retrying refused +2s 1w0r     | failed refused 4t 4w0r 0e        | done - 2t 2w0r 1e
408 after        | reply         | unknown ambiguous +5s 1w1r    | done - 1t 1w2r 1e                | done - 1t 1w2r 1e
408 after        | star unstar   | retrying ambiguous +2s 1w0r   | done - 1t 1w1r 1e                | done - 1t 1w1r 1e
408 after        | mark_read     | retrying ambiguous +2s 1w0r   | failed ambiguous 4t 4w0r 4e      | done - 2t 2w0r 2e
408 after        | slack webhook | retrying refused +2s 1w0r     | failed refused 4t 4w0r 4e        | done - 2t 2w0r 2e
409              | reply         | unknown ambiguous +5s 1w1r    | quarantined ambiguous 1t 1w7r 0e | quarantined ambiguous 1t 1w7r 0e
409              | star unstar   | retrying ambiguous +2s 1w0r   | quarantined ambiguous 4t 4w3r 0e | done - 2t 2w1r 1e
409              | mark_read     | retrying ambiguous +2s 1w0r   | failed ambiguous 4t 4w0r 0e      | done - 2t 2w0r 1e
409              | slack webhook | failed refused - 1w0r         | failed refused 1t 1w0r 0e        | failed refused 1t 1w0r 0e
422              | reply         | failed refused - 1w1r         | failed refused 1t 1w1r 0e        | failed refused 1t 1w1r 0e
422              | star unstar   | failed refused - 1w0r         | failed refused 1t 1w0r 0e        | failed refused 1t 1w0r 0e
422              | mark_read     | failed refused - 1w0r         | failed refused 1t 1w0r 0e        | failed refused 1t 1w0r 0e
422              | slack webhook | failed refused - 1w0r         | failed refused 1t 1w0r 0e        | failed refused 1t 1w0r 0e
429              | reply         | waiting budget +60s 1w1r      | waiting budget 4t 4w4r 0e        | done - 2t 2w2r 1e
429              | star unstar   | waiting budget +60s 1w0r      | waiting budget 4t 4w3r 0e        | done - 2t 2w1r 1e
429              | mark_read     | waiting budget +60s 1w0r      | waiting budget 4t 4w0r 0e        | done - 2t 2w0r 1e
429              | slack webhook | retrying refused +2s 1w0r     | failed refused 4t 4w0r 0e        | done - 2t 2w0r 1e
429 wait 0       | reply         | waiting budget +1s 1w1r       | waiting budget 4t 4w4r 0e        | done - 2t 2w2r 1e
429 wait 0       | slack webhook | retrying refused +2s 1w0r     | failed refused 4t 4w0r 0e        | done - 2t 2w0r 1e
429 wait soon    | reply         | waiting budget +60s 1w1r      | waiting budget 4t 4w4r 0e        | done - 2t 2w2r 1e
429 wait soon    | slack webhook | retrying refused +2s 1w0r     | failed refused 4t 4w0r 0e        | done - 2t 2w0r 1e
429 wait 7       | reply         | waiting budget +7s 1w1r       | waiting budget 4t 4w4r 0e        | done - 2t 2w2r 1e
429 wait 7       | star unstar   | waiting budget +7s 1w0r       | waiting budget 4t 4w3r 0e        | done - 2t 2w1r 1e
429 wait 7       | mark_read     | waiting budget +7s 1w0r       | waiting budget 4t 4w0r 0e        | done - 2t 2w0r 1e
429 wait 7       | slack webhook | retrying refused +7s 1w0r     | failed refused 4t 4w0r 0e        | done - 2t 2w0r 1e
500              | reply         | unknown ambiguous +5s 1w1r    | quarantined ambiguous 1t 1w7r 0e | quarantined ambiguous 1t 1w7r 0e
500              | star unstar   | retrying ambiguous +2s 1w0r   | quarantined ambiguous 4t 4w3r 0e | done - 2t 2w1r 1e
500              | mark_read     | retrying ambiguous +2s 1w0r   | failed ambiguous 4t 4w0r 0e      | done - 2t 2w0r 1e
500              | slack webhook | retrying refused +2s 1w0r     | failed refused 4t 4w0r 0e        | done - 2t 2w0r 1e
500 after        | reply         | unknown ambiguous +5s 1w1r    | done - 1t 1w2r 1e                | done - 1t 1w2r 1e
500 after        | star unstar   | retrying ambiguous +2s 1w0r   | done - 1t 1w1r 1e                | done - 1t 1w1r 1e
500 after        | mark_read     | retrying ambiguous +2s 1w0r   | failed ambiguous 4t 4w0r 4e      | done - 2t 2w0r 2e
500 after        | slack webhook | retrying refused +2s 1w0r     | failed refused 4t 4w0r 4e        | done - 2t 2w0r 2e
503              | reply         | unknown ambiguous +5s 1w1r    | quarantined ambiguous 1t 1w7r 0e | quarantined ambiguous 1t 1w7r 0e
503              | star unstar   | retrying ambiguous +2s 1w0r   | quarantined ambiguous 4t 4w3r 0e | done - 2t 2w1r 1e
503              | mark_read     | retrying ambiguous +2s 1w0r   | failed ambiguous 4t 4w0r 0e      | done - 2t 2w0r 1e
503              | slack webhook | retrying refused +2s 1w0r     | failed refused 4t 4w0r 0e        | done - 2t 2w0r 1e
cut early        | reply         | unknown ambiguous +5s 1w1r    | done - 1t 1w2r 1e                | done - 1t 1w2r 1e
cut early        | star unstar   | retrying ambiguous +2s 1w0r   | done - 1t 1w1r 1e                | done - 1t 1w1r 1e
cut early        | mark_read     | retrying ambiguous +2s 1w0r   | failed ambiguous 4t 4w0r 4e      | done - 2t 2w0r 2e
cut early        | slack webhook | retrying unreachable +2s 1w0r | failed unreachable 4t 4w0r 4e    | done - 2t 2w0r 2e
cut late         | reply         | done - - 1w1r                 | done - 1t 1w1r 1e                | done - 1t 1w1r 1e
cut late         | star unstar   | retrying ambiguous +2s 1w0r   | done - 1t 1w1r 1e                | done - 1t 1w1r 1e
cut late         | mark_read     | done - - 1w0r                 | done - 1t 1w0r 1e                | done - 1t 1w0r 1e
cut late         | slack webhook | done - - 1w0r                 | done - 1t 1w0r 1e                | done - 1t 1w0r 1e
Greeting closed  | email         | retrying unreachable +2s 1w0r | failed unreachable 4t 4w0r 0e    | done - 2t 2w0r 1e
Greeting 421     | email         | retrying refused +2s 1w0r     | failed refused 4t 4w0r 0e        | done - 2t 2w0r 1e
Greeting 450     | email         | retrying refused +2s 1w0r     | failed refused 4t 4w0r 0e        | done - 2t 2w0r 1e
Greeting 550     | email         | failed refused - 1w0r         | failed refused 1t 1w0r 0e        | failed refused 1t 1w0r 0e
Greeting silent  | email         | retrying unreachable +2s 1w0r | failed unreachable 4t 4w0r 0e    | done - 2t 2w0r 1e
Hello closed     | email         | retrying unreachable +2s 1w0r | failed unreachable 4t 4w0r 0e    | done - 2t 2w0r 1e
Hello 421        | email         | retrying refused +2s 1w0r     | failed refused 4t 4w0r 0e        | done - 2t 2w0r 1e
Hello 450        | email         | retrying refused +2s 1w0r     | failed refused 4t 4w0r 0e        | done - 2t 2w0r 1e
Hello 550        | email         | failed refused - 1w0r         | failed refused 1t 1w0r 0e        | failed refused 1t 1w0r 0e
Auth closed      | email         | retrying unreachable +2s 1w0r | failed unreachable 4t 4w0r 0e    | done - 2t 2w0r 1e
Auth 421         | email         | retrying refused +2s 1w0r     | failed refused 4t 4w0r 0e        | done - 2t 2w0r 1e
Auth 450         | email         | retrying refused +2s 1w0r     | failed refused 4t 4w0r 0e        | done - 2t 2w0r 1e
Auth 550         | email         | failed unauthorized - 1w0r    | failed unauthorized 1t 1w0r 0e   | failed unauthorized 1t 1w0r 0e
Auth 535         | email         | failed unauthorized - 1w0r    | failed unauthorized 1t 1w0r 0e   | failed unauthorized 1t 1w0r 0e
MailFrom closed  | email         | retrying unreachable +2s 1w0r | failed unreachable 4t 4w0r 0e    | done - 2t 2w0r 1e
MailFrom 421     | email         | retrying refused +2s 1w0r     | failed refused 4t 4w0r 0e        | done - 2t 2w0r 1e
MailFrom 450     | email         | retrying refused +2s 1w0r     | failed refused 4t 4w0r 0e        | done - 2t 2w0r 1e
MailFrom 550     | email         | failed refused - 1w0r         | failed refused 1t 1w0r 0e        | failed refused 1t 1w0r 0e
RcptTo closed    | email         | retrying unreachable +2s 1w0r | failed unreachable 4t 4w0r 0e    | done - 2t 2w0r 1e
RcptTo 421       | email         | retrying refused +2s 1w0r     | failed refused 4t 4w0r 0e        | done - 2t 2w0r 1e
RcptTo 450       | email         | retrying refused +2s 1w0r     | failed refused 4t 4w0r 0e        | done - 2t 2w0r 1e
RcptTo 550       | email         | failed refused - 1w0r         | failed refused 1t 1w0r 0e        | failed refused 1t 1w0r 0e
Data closed      | email         | retrying unreachable +2s 1w0r | failed unreachable 4t 4w0r 0e    | done - 2t 2w0r 1e
Data 421         | email         | retrying refused +2s 1w0r     | failed refused 4t 4w0r 0e        | done - 2t 2w0r 1e
Data 450         | email         | retrying refused +2s 1w0r     | failed refused 4t 4w0r 0e        | done - 2t 2w0r 1e
Data 550         | email         | failed refused - 1w0r         | failed refused 1t 1w0r 0e        | failed refused 1t 1w0r 0e
EndOfData closed | email         | retrying unreachable +2s 1w0r | failed unreachable 4t 4w0r 0e    | done - 2t 2w0r 1e
EndOfData 421    | email         | retrying refused +2s 1w0r     | failed refused 4t 4w0r 0e        | done - 2t 2w0r 1e
EndOfData 450    | email         | retrying refused +2s 1w0r     | failed refused 4t 4w0r 0e        | done - 2t 2w0r 1e
EndOfData 550    | email         | failed refused - 1w0r         | failed refused 1t 1w0r 0e        | failed refused 1t 1w0r 0e
EndOfData silent | email         | retrying unreachable +2s 1w0r | failed unreachable 4t 4w0r 0e    | done - 2t 2w0r 1e
EndOfData taken  | email         | retrying unreachable +2s 1w0r | failed unreachable 4t 4w0r 4e    | done - 2t 2w0r 2e
";
