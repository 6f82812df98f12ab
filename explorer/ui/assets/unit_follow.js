// Tells the maps of the page which unit the server has chosen, for instance from a link.
export default function ({ data }) {
  unitChoice().follow(data);
}
