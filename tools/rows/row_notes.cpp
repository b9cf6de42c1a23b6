#include "tools/rows/row_notes.hpp"

#include "tools/cli/output.hpp"

namespace cnf {

void say_notes(const std::string& verb, const std::string& source, const std::vector<RowNote>& notes) {
  for (const RowNote& note : notes)
    write_stderr("cnf " + verb + (note.warning ? ": warning: " : ": ") + source + ": " + note.text + "\n");
}

void say_notes(const std::string& verb, RowReader& rows) { say_notes(verb, rows.source(), rows.take_notes()); }

}  // namespace cnf
