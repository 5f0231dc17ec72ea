export function drawPictures() {}
